package console_test

import (
	"errors"
	"strings"
	"testing"

	"netmon/console"
	"netmon/internal/natstest"
	"netmon/wire"
)

// later saves what is saved under a key once more, as a netmon of tomorrow would: with a field
// that this one does not know.
func (m *opsMesh) later(bucket, key, was, is string) {
	m.t.Helper()
	kv, err := natstest.JetStream(m.t, natstest.Connect(m.t, m.b)).KeyValue(m.t.Context(), bucket)
	m.must(err)
	e, err := kv.Get(m.t.Context(), key)
	m.must(err)
	data := strings.Replace(string(e.Value()), was, is, 1)
	if data == string(e.Value()) {
		m.t.Fatalf("no %s in %s", was, data)
	}
	_, err = kv.Update(m.t.Context(), key, []byte(data), e.Revision())
	m.must(err)
}

// TestOps_LosesNothingOfALaterVersion: what a later netmon saved is shown as far as it is known,
// can be deleted, and is not written over, whichever way.
func TestOps_LosesNothingOfALaterVersion(t *testing.T) {
	ctx := t.Context()
	m := newOpsMesh(t)
	web := monitor("web")
	web.Verdict = &wire.Rule{Up: 3}
	w := console.Wanted{Monitors: []wire.Saved{web}, Sorts: console.FileSorts, Settings: []wire.Setting{rule("shop", "hook"), channel("hook", "")}}
	m.apply(w, false)
	_, err := m.SaveSet(ctx, "office", console.Set{})
	m.must(err)
	m.later(wire.MonitorsBucket, "web", `"verdict":{`, `"verdict":{"patience":"1m",`)
	m.later(wire.AlertingBucket, "rule.shop", `"to":`, `"unless":["night"],"to":`)

	store, err := m.cl.Monitors(ctx)
	m.must(err)
	read, err := store.Get(ctx, "web")
	m.must(err)
	refused := func(how, field string, err error) {
		t.Helper()
		if !errors.Is(err, console.ErrLater) || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), "update netmon here") {
			t.Errorf("%s: %v, want that %s would be lost", how, err, field)
		}
	}
	edited := read
	edited.Every = wire.Duration(42e9)
	_, err = m.Edit(ctx, edited)
	refused("edit", "verdict.patience", err)
	_, err = m.Stop(ctx, "web", nil)
	refused("stop", "verdict.patience", err)
	w.Monitors[0].Every = wire.Duration(42e9)
	p, err := m.Plan(ctx, w, false)
	m.must(err)
	_, err = m.Apply(ctx, p, console.ApplyOptions{})
	refused("apply", "verdict.patience", err)
	w.Monitors, w.NoMonitors = nil, true
	w.Settings = []wire.Setting{rule("shop"), channel("hook", "")}
	p, err = m.Plan(ctx, w, false)
	m.must(err)
	_, err = m.Apply(ctx, p, console.ApplyOptions{})
	refused("apply a rule", "unless", err)
	if now, err := store.Get(ctx, "web"); err != nil || now.Revision != read.Revision {
		t.Errorf("web is revision %d now, want %d: %v", now.Revision, read.Revision, err)
	}
	if _, err := m.Delete(ctx, "web", console.DeleteOptions{}); err != nil {
		t.Errorf("delete: %v", err)
	}
}

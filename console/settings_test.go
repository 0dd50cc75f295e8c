package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

func channel(name, fallback string) *wire.Channel {
	return &wire.Channel{Name: name, Kind: "webhook", Fallback: fallback, Settings: map[string]json.RawMessage{"url": json.RawMessage(`"https://hooks.example.org/"`)}}
}

func rule(name string, to ...string) *wire.NoticeRule {
	return &wire.NoticeRule{Name: name, Match: wire.Match{Tags: map[string]string{"team": "shop"}}, To: to}
}

func group(name string, of ...string) *wire.Group { return &wire.Group{Name: name, Of: of} }

// wants are settings of all sorts that files have.
func wants(list ...wire.Setting) console.Wanted {
	return console.Wanted{Settings: list, Sorts: console.FileSorts, NoMonitors: true}
}

// titles are the settings that are saved.
func (m *opsMesh) titles() string {
	m.t.Helper()
	list, err := m.cl.ListSettings(m.t.Context())
	m.must(err)
	var out []string
	for _, x := range list {
		out = append(out, console.SettingTitle(x))
	}
	return strings.Join(out, ", ")
}

func (m *opsMesh) apply(w console.Wanted, prune bool) console.Outcome {
	m.t.Helper()
	p, err := m.Plan(m.t.Context(), w, prune)
	m.must(err)
	o, err := m.Apply(m.t.Context(), p, console.ApplyOptions{})
	m.must(err)
	return o
}

// TestOps_SettingsAreApplied with monitors: what they name comes before them (but for
// channels, which are told of everything while there is no rule), goes
// behind them, and of what files do not speak nothing is pruned.
func TestOps_SettingsAreApplied(t *testing.T) {
	m := newOpsMesh(t)
	w := console.Wanted{Monitors: []wire.Saved{monitor("web")}, Sorts: console.FileSorts, Settings: []wire.Setting{
		rule("shop", "hook"), group("store", "web"), channel("hook", "mail"), channel("mail", ""),
		&wire.Window{Name: "night", Weekly: "Sun 02:00-04:00", Zone: "Europe/Oslo"}}}
	o := m.apply(w, false)
	var order []string
	for _, c := range o.Settings {
		order = append(order, c.Title()+" "+string(c.Did()))
	}
	if got := strings.Join(order, ", "); got != "rule shop added, group store added, window night added, channel hook added, channel mail added" {
		t.Errorf("saved in this order: %s", got)
	}
	if o.Head() != "6 added, 0 changed, 0 unchanged" {
		t.Error(o.Head())
	}
	if o := m.apply(w, true); o.Head() != "0 added, 0 changed, 6 unchanged, 0 deleted" {
		t.Errorf("applied again: %s", o.Head())
	}

	changed := channel("mail", "")
	changed.Paused = true
	// A file of channels alone prunes no rules, no monitors: and hook, which a rule notifies, not before the rule.
	only := console.Wanted{Settings: []wire.Setting{changed}, Sorts: []wire.Sort{wire.SortChannel}, NoMonitors: true}
	if _, err := m.Plan(t.Context(), only, true); err == nil || !strings.Contains(err.Error(), "channels.hook: rule shop names it, and would stay") {
		t.Errorf("a channel that a rule tells is pruned: %v", err)
	}
	only.Sorts = []wire.Sort{wire.SortChannel, wire.SortRule}
	if o := m.apply(only, true); o.Head() != "0 added, 1 changed, 0 unchanged, 2 deleted" || m.titles() != "channel mail, window night, group store" {
		t.Errorf("%s: %s are left", o.Head(), m.titles())
	}
	if _, err := m.saved("web"); err != nil {
		t.Errorf("the monitor is gone: %v", err)
	}
	// A group that names a monitor keeps it.
	if _, err := m.Plan(t.Context(), console.Wanted{}, true); err == nil || !strings.Contains(err.Error(), "web: group store names it, and would stay") {
		t.Errorf("a monitor of a group is pruned: %v", err)
	}
	all := console.Wanted{Sorts: console.FileSorts}
	if o := m.apply(all, true); o.Head() != "0 added, 0 changed, 0 unchanged, 4 deleted" || m.titles() != "" {
		t.Errorf("%s: %s are left", o.Head(), m.titles())
	}
}

// TestOps_WhatSettingsName has to be there.
func TestOps_WhatSettingsName(t *testing.T) {
	m := newOpsMesh(t)
	ctx := t.Context()
	m.apply(console.Wanted{Monitors: []wire.Saved{monitor("web")}, Settings: []wire.Setting{channel("mail", ""), group("store", "web")}, Sorts: console.FileSorts}, false)
	deadman := channel("dead", "")
	deadman.Kind = wire.KindDeadman
	for want, list := range map[string][]wire.Setting{
		`rules.r.to[1]: no channel "hok" is saved: save it first, or in the same file`: {rule("r", "mail", "hok")},
		`rules.r.escalate[0].to[0]: no channel "boss" is saved`:                        {&wire.NoticeRule{Name: "r", To: []string{"mail"}, Escalate: []wire.Escalation{{After: wire.Duration(time.Minute), To: []string{"boss"}}}}},
		`channels.hook.fallback: no channel "pager" is saved`:                          {channel("hook", "pager")},
		`channels.a.fallback: a -> b -> a is a cycle`:                                  {channel("a", "b"), channel("b", "a")},
		`channels.mail.fallback: mail -> x -> mail is a cycle`:                         {channel("mail", "x"), channel("x", "mail")},
		`rules.r.to[0]: "dead" is called while all is well, and gets no incidents`:     {deadman, rule("r", "dead")},
		`channels.hook.fallback: "dead" is called while all is well`:                   {deadman, channel("hook", "dead")},
		`groups.g.of[1]: no monitor "db" is saved`:                                     {group("g", "web", "db")},
		`groups.web.name: a monitor is called "web": a group has a name of its own`:    {group("web", "web")},
		`windows.w.zone: want an IANA name such as Europe/Oslo, got "Mars/Olympus"`:    {&wire.Window{Name: "w", Weekly: "Sun 02:00-04:00", Zone: "Mars/Olympus"}},
		"rules.r.wait: want 1s to 30d, got \"1ns\"":                                    {&wire.NoticeRule{Name: "r", To: []string{"mail"}, Wait: 1}},
	} {
		_, err := m.Plan(ctx, wants(list...), false)
		if _, ok := errors.AsType[*console.InvalidError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	// The same by one setting alone.
	for want, x := range map[string]wire.Setting{
		`to[0]: no channel "hok" is saved`:      rule("r", "hok"),
		`fallback: "mail" cannot be its own`:    channel("mail", "mail"),
		`of[0]: no monitor "db" is saved`:       group("fresh", "db"),
		`name: a monitor is called "web"`:       group("web", "web"),
		`name: "a b" has a character that is`:   rule("a b", "mail"),
		`until: want a time after from, got "0`: &wire.Silence{ID: "x", From: time.Now()},
	} {
		if _, err := m.EditSetting(ctx, x); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	// A monitor is not called as a group is.
	if _, err := m.Add(ctx, monitor("store")); err == nil || !strings.Contains(err.Error(), `name: a group is called "store": a monitor has a name of its own`) {
		t.Errorf("added: %v", err)
	}
	if _, err := m.Plan(ctx, console.Wanted{Monitors: []wire.Saved{monitor("store")}}, false); err == nil || !strings.Contains(err.Error(), `store.name: a group is called "store"`) {
		t.Errorf("applied: %v", err)
	}
	// What others name is asked about.
	m.apply(wants(rule("r", "mail"), channel("hook", "mail")), false)
	_, err := m.RemoveSetting(ctx, wire.SortChannel, "mail", console.DeleteOptions{})
	if used, ok := errors.AsType[*console.UsedError](err); !ok || used.Error() != "channel hook, rule r name channel mail" {
		t.Errorf("a channel in use: %v", err)
	}
	_, err = m.Delete(ctx, "web", console.DeleteOptions{})
	if needed, ok := errors.AsType[*console.DependentsError](err); !ok || !slices.Equal(needed.By, []string{"group store"}) {
		t.Errorf("a monitor of a group: %v", err)
	}
	o, err := m.RemoveSetting(ctx, wire.SortChannel, "mail", console.DeleteOptions{Anyway: true})
	if err != nil || o.Head() != "channel mail deleted" || m.titles() != "channel hook, rule r, group store" {
		t.Errorf("%v %v: %s", o.Head(), err, m.titles())
	}
	if _, err := m.RemoveSetting(ctx, wire.SortChannel, "mail", console.DeleteOptions{}); !errors.Is(err, console.ErrNoSetting) || err.Error() != `channel "mail" is not saved` {
		t.Errorf("deleted twice: %v", err)
	}
}

// TestOps_SettingsOfTwoConsoles: the second one is refused, and nothing is overwritten.
func TestOps_SettingsOfTwoConsoles(t *testing.T) {
	m := newOpsMesh(t)
	ctx := t.Context()
	m.apply(wants(channel("hook", "")), false)
	other := m.console().Ops(console.Checks{})
	store, err := m.cl.Settings(ctx)
	m.must(err)
	was, err := store.Get(ctx, wire.SortChannel, "hook")
	m.must(err)
	mine, theirs := channel("hook", ""), channel("hook", "")
	mine.Revision, theirs.Revision = was.About().Revision, was.About().Revision
	mine.Paused = true
	theirs.Kind = "slack"
	plan, err := m.Plan(ctx, wants(mine), false)
	m.must(err)
	if o, err := other.EditSetting(ctx, theirs); err != nil || o.Head() != "channel hook changed" {
		t.Fatalf("%v %v", o.Head(), err)
	}
	if _, err := m.EditSetting(ctx, mine); !errors.Is(err, console.ErrConflict) || !strings.Contains(err.Error(), "netmon get channels hook -o yaml") {
		t.Errorf("edited over another: %v", err)
	}
	if _, err := m.Apply(ctx, plan, console.ApplyOptions{}); !errors.Is(err, console.ErrConflict) {
		t.Errorf("applied over another: %v", err)
	}
	is, err := store.Get(ctx, wire.SortChannel, "hook")
	if err != nil || is.(*wire.Channel).Kind != "slack" || is.About().Author != console.Author() || is.About().Change != "edited" {
		t.Errorf("%+v %v", is, err)
	}
	if _, err := store.Delete(ctx, wire.SortChannel, "hook", was.About().Revision); !errors.Is(err, console.ErrConflict) {
		t.Errorf("deleted over another: %v", err)
	}
	// What was deleted comes back under its name, and its history has all of it.
	if _, err := m.RemoveSetting(ctx, wire.SortChannel, "hook", console.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	m.apply(wants(channel("hook", "")), false)
	revisions, err := store.History(ctx, wire.SortChannel, "hook")
	if err != nil || len(revisions) != 4 || revisions[1].Setting != nil || revisions[0].Setting == nil {
		t.Errorf("%+v %v", revisions, err)
	}
	// And so does what it was.
	if o, err := m.RollbackSetting(ctx, wire.SortChannel, "hook", revisions[2].Edition); err != nil || !strings.HasPrefix(o.Head(), "channel hook is restored from revision 2: this is revision ") || o.Is.(*wire.Channel).Kind != "slack" {
		t.Errorf("%v %v", o.Head(), err)
	}
	if o, err := m.RollbackSetting(ctx, wire.SortChannel, "hook", revisions[2].Edition); err != nil || !o.Same {
		t.Errorf("rolled back twice: %v %v", o.Head(), err)
	}
	_, err = m.RollbackSetting(ctx, wire.SortChannel, "hook", revisions[1].Revision)
	if wrong, ok := errors.AsType[*console.RevisionError](err); !ok || !wrong.Deleted || !strings.Contains(err.Error(), `the channel "hook" was deleted`) {
		t.Errorf("to when it was deleted: %v", err)
	}
	if _, err := store.History(ctx, wire.SortRule, "none"); !errors.Is(err, console.ErrNoSetting) {
		t.Errorf("history of nothing: %v", err)
	}
}

func TestOps_Silences(t *testing.T) {
	m := newOpsMesh(t)
	ctx := t.Context()
	match := wire.Match{Tags: map[string]string{"team": "shop"}}
	o, err := m.SaveSilence(ctx, wire.Silence{Match: match, Text: "deploy"}, 2*time.Hour)
	m.must(err)
	s := o.Is.(*wire.Silence)
	if left := time.Until(s.Until); s.ID == "" || left < 119*time.Minute || left > 2*time.Hour || !strings.HasPrefix(o.Head(), "silence "+s.ID+" mutes tag team=shop until ") {
		t.Errorf("%+v: %s", s, o.Head())
	}
	if state := console.SilenceState(s, time.Now().Add(time.Minute)); state != "active" {
		t.Error(state)
	}
	ended, err := m.EndSilence(ctx, s.ID)
	if err != nil || ended.Head() != "silence "+s.ID+" ended" {
		// One that began in this very second has not begun: it is deleted then.
		t.Fatalf("%v %v", ended.Head(), err)
	}
	coming, err := m.SaveSilence(ctx, wire.Silence{ID: "later", From: time.Now().Add(time.Hour)}, time.Hour)
	if err != nil || !strings.Contains(coming.Head(), "silence later mutes everything from ") {
		t.Errorf("%v %v", coming.Head(), err)
	}
	if _, err := m.SaveSilence(ctx, wire.Silence{ID: "later"}, time.Hour); !errors.Is(err, console.ErrConflict) {
		t.Errorf("an id twice: %v", err)
	}
	if o, err := m.EndSilence(ctx, "later"); err != nil || o.Is != nil {
		t.Errorf("one that was to come: %+v %v", o, err)
	}
	if _, err := m.EndSilence(ctx, "later"); !errors.Is(err, console.ErrNoSetting) {
		t.Errorf("ended twice: %v", err)
	}
	for want, s := range map[string]wire.Silence{
		`until: want a time in the future, got "`: {From: time.Now().Add(-2 * time.Hour), Until: time.Now().Add(-time.Hour)},
		`until: want a time after from, got "`:    {},
		`match.severity[0]: want one of down, `:   {Match: wire.Match{Severity: []wire.Severity{"dead"}}, Until: time.Now().Add(time.Hour)},
	} {
		if _, err := m.SaveSilence(ctx, s, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestOps_SilencesThatAreOver for long are removed by who makes another one.
func TestOps_SilencesThatAreOver(t *testing.T) {
	m := newOpsMesh(t)
	ctx := t.Context()
	store, err := m.cl.Settings(ctx)
	m.must(err)
	for id, ago := range map[string]time.Duration{"old": 31 * 24 * time.Hour, "lately": time.Hour} {
		_, err := store.Save(ctx, &wire.Silence{ID: id, From: time.Now().Add(-ago - time.Hour), Until: time.Now().Add(-ago)}, "silenced")
		m.must(err)
	}
	_, err = m.SaveSilence(ctx, wire.Silence{ID: "now"}, time.Hour)
	m.must(err)
	if got := m.titles(); got != "silence lately, silence now" {
		t.Error(got)
	}
	if o, err := m.EndSilence(ctx, "lately"); err != nil || o.Head() != "silence lately is already over" {
		t.Errorf("%v %v", o.Head(), err)
	}
}

func TestOps_Ack(t *testing.T) {
	m := newOpsMesh(t)
	ctx := t.Context()
	for _, step := range []struct {
		text, head string
	}{{"mine", "incident web-1 acknowledged"}, {"mine", "incident web-1 is acknowledged already, with the same text"}, {"still mine", "incident web-1 acknowledged"}} {
		if o, err := m.Ack(ctx, "web-1", step.text); err != nil || o.Head() != step.head {
			t.Errorf("%v %v, want %s", o.Head(), err, step.head)
		}
	}
	if o, err := m.Unack(ctx, "web-1"); err != nil || o.Head() != "incident web-1 is no longer acknowledged" {
		t.Errorf("%v %v", o.Head(), err)
	}
	if _, err := m.Unack(ctx, "web-1"); !errors.Is(err, console.ErrNoSetting) {
		t.Errorf("taken back twice: %v", err)
	}
	if _, err := m.Ack(ctx, "a.b", ""); err == nil || !strings.Contains(err.Error(), `incident: "a.b" has a character`) {
		t.Errorf("a bad id: %v", err)
	}
	if _, err := m.Ack(ctx, "web-1", strings.Repeat("x", wire.MaxText+1)); err == nil {
		t.Error("a text without end is taken")
	}
}

// TestSettings_Hostile has what is no setting in the bucket: the others are read, and
// it can be deleted.
func TestSettings_Hostile(t *testing.T) {
	m := newOpsMesh(t)
	ctx := t.Context()
	m.apply(wants(channel("hook", "")), false)
	js := natstest.JetStream(t, natstest.Connect(t, m.b))
	for key, data := range map[string]string{
		"rule.bad": "\x1b[2J", "channel.other": `{"name":"hook","kind":"x"}`, "nothing": "{}", "monster.x": "{}", "rule.a.b": "{}",
		"group.none": `{"name":"none","of":[]}`, "silence.x": "[]", "channel.long": `{"name":"long","kind":"x","a":"` + strings.Repeat("a", wire.MaxSaved) + `"}`,
	} {
		if _, err := js.Publish(ctx, "$KV."+wire.AlertingBucket+"."+key, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := m.cl.ListSettings(ctx)
	if len(list) != 1 || list[0].SettingName() != "hook" || err == nil || !strings.Contains(err.Error(), "decode rule bad") {
		t.Errorf("%v %.500v", list, err)
	}
	if _, err := m.Plan(ctx, console.Wanted{Monitors: []wire.Saved{monitor("web")}}, false); err != nil {
		t.Errorf("monitors cannot be applied: %v", err)
	}
	if _, err := m.Plan(ctx, wants(), false); err == nil {
		t.Error("settings are compared with what cannot be read")
	}
	for _, bad := range []struct {
		sort wire.Sort
		name string
	}{{wire.SortRule, "bad"}, {wire.SortChannel, "other"}, {wire.SortGroup, "none"}, {wire.SortSilence, "x"}, {wire.SortChannel, "long"}} {
		if o, err := m.RemoveSetting(ctx, bad.sort, bad.name, console.DeleteOptions{}); err != nil || o.Head() != string(bad.sort)+" "+bad.name+" deleted" {
			t.Errorf("delete %v: %v %v", bad, o.Head(), err)
		}
	}
}

// TestModel_FollowsSettings as they are saved, changed and deleted.
func TestModel_FollowsSettings(t *testing.T) {
	m := newOpsMesh(t)
	m.apply(wants(channel("hook", "")), false)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	model := m.cl.Model(console.ModelOptions{Parts: console.PartSettings})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		model.Run(ctx)
	}()
	defer func() {
		stop()
		<-ended
	}()
	await := func(want string) {
		t.Helper()
		is := ""
		err := model.Each(ctx, 0, 0, func() (bool, error) {
			var titles []string
			for _, x := range model.Settings() {
				titles = append(titles, console.SettingTitle(x))
			}
			is = strings.Join(titles, ", ")
			return is == want, nil
		})
		if err != nil {
			t.Fatalf("%v: %q, want %q", err, is, want)
		}
	}
	m.must(model.Await(ctx))
	await("channel hook")
	m.apply(wants(rule("shop", "hook")), false)
	await("channel hook, rule shop")
	_, err := m.RemoveSetting(ctx, wire.SortRule, "shop", console.DeleteOptions{})
	m.must(err)
	await("channel hook")
	if got := model.Settings(wire.SortRule); len(got) != 0 {
		t.Errorf("rules: %v", got)
	}
}

// TestSettings_AreSigned on a mesh that has identities: each is in the name of who
// saved it, who may only read changes nothing, and what was put there otherwise counts
// for nothing.
func TestSettings_AreSigned(t *testing.T) {
	s := natstest.StartSecure(t)
	person := func(role wire.Role, name string) *console.Client {
		id, dir := s.LetIn(t, role, name)
		cl, err := console.ConnectAs(console.Person{Name: name, Signer: identity.SignByFile(identity.Creds(dir)), Authority: id.Authority}, func(more ...nats.Option) (*nats.Conn, error) {
			o, err := id.Options(dir)
			if err != nil {
				return nil, err
			}
			return nats.Connect(id.URL, append(o, more...)...)
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	ctx := t.Context()
	olga, anna, vic := person(wire.RoleOperator, "olga"), person(wire.RoleAdmin, "anna"), person(wire.RoleViewer, "vic")
	ops := olga.Ops(console.Checks{Monitor: func(wire.Monitor) error { return nil }})
	plan, err := ops.Plan(ctx, wants(channel("hook", ""), rule("shop", "hook")), false)
	if err == nil {
		_, err = ops.Apply(ctx, plan, console.ApplyOptions{Quiet: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := anna.Ops(console.Checks{}).Ack(ctx, "web-1", "mine"); err != nil {
		t.Fatal(err)
	}
	list, err := vic.ListSettings(ctx)
	var got []string
	for _, x := range list {
		got = append(got, console.SettingTitle(x)+" by "+x.About().Author)
	}
	if is := strings.Join(got, ", "); err != nil || is != "channel hook by olga, rule shop by olga, acknowledgement web-1 by anna" {
		t.Errorf("%s %v", is, err)
	}
	if _, err := vic.Ops(console.Checks{}).SaveSilence(ctx, wire.Silence{}, time.Hour); !errors.Is(err, console.ErrDenied) {
		t.Errorf("a viewer silences: %v", err)
	}
	// Somebody with the run of the broker writes past the gate.
	js := natstest.JetStream(t, s.As(t, wire.RoleController, "controller"))
	if _, err := js.Publish(ctx, "$KV."+wire.AlertingBucket+".channel.hook", []byte(`{"name":"hook","kind":"webhook","url":"https://evil.example.org/"}`)); err != nil {
		t.Fatal(err)
	}
	settings, err := vic.Settings(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if x, err := settings.Get(ctx, wire.SortChannel, "hook"); !errors.Is(err, console.ErrNotAccepted) {
		t.Errorf("%+v %v", x, err)
	}
	if o, err := ops.RemoveSetting(ctx, wire.SortChannel, "hook", console.DeleteOptions{Anyway: true}); err != nil {
		t.Errorf("it cannot be deleted: %v %v", o.Head(), err)
	}
}

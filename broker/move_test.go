package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker/access"
	"netmon/internal/need"
	"netmon/wire"
)

// site is a store, and the broker that is on it, with an authority or without.
type site struct {
	t     *testing.T
	store string
	*Broker
	authority *access.Authority
	js        jetstream.JetStream
}

func openSite(t *testing.T, store string, secure bool, asked string) *site {
	t.Helper()
	s, err := tryOpenSite(t, store, secure, asked)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tryOpenSite(t *testing.T, store string, secure bool, asked string) (s *site, err error) {
	t.Helper()
	s = &site{t: t, store: store}
	o := Options{Store: store, BringAlong: asked} // in this process only
	var as []nats.Option
	if secure {
		if s.authority, err = access.Open(access.FolderOf(store), nil, nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.authority.Close() })
		if as, err = s.authority.Built(access.Controller, "controller"); err != nil {
			t.Fatal(err)
		}
		o.Access = s.authority
	}
	if s.Broker, err = Start(t.Context(), o); err != nil {
		return s, err
	}
	t.Cleanup(s.Broker.Close)
	nc, err := s.Connect(as...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if s.js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	return s, Provision(t.Context(), s.js, DefaultLimits())
}

func (s *site) close() {
	s.Close()
	if s.authority != nil {
		s.authority.Close()
	}
}

// storeResults saves monitors and a configuration, and stores results.
func (s *site) storeResults(monitors, configs, results int) {
	s.t.Helper()
	ctx := s.t.Context()
	kv, err := s.js.KeyValue(ctx, wire.MonitorsBucket)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range monitors {
		for range 2 {
			if _, err := kv.PutString(ctx, fmt.Sprintf("m%d", i), "{}"); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	if monitors > 0 {
		for _, subject := range []string{"$KV.alerting.channel.hook", "incidents.m0-1", "notices.hook.m0-1"} {
			if _, err := s.js.Publish(ctx, subject, []byte("{}")); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	sets, err := s.js.ObjectStore(ctx, wire.ConfigsBucket)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range configs {
		if _, err := sets.PutString(ctx, fmt.Sprintf("c%d", i), "monitors: []"); err != nil {
			s.t.Fatal(err)
		}
	}
	for i := range results {
		if _, err := s.js.Publish(ctx, "results.paris.web", []byte("{}"), jetstream.WithMsgID(fmt.Sprint("id", i))); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) holds(monitors, configs int, results uint64) {
	s.t.Helper()
	k, err := Count(s.t.Context(), s.js)
	if err != nil || k.Monitors != monitors || k.Configs != configs || k.Results != results || k.Settings != min(1, monitors) {
		s.t.Errorf("it keeps %+v (%v), want %d monitors, %d configurations, %d results", k, err, monitors, configs, results)
	}
}

// state is what must be the same afterwards.
func (s *site) state() (all []string) {
	s.t.Helper()
	for _, name := range []string{wire.ResultsStream, monitorsStream, configsStream, wire.IncidentsStream, wire.NoticesStream, wire.HistoryStream} {
		st, err := s.js.Stream(s.t.Context(), name)
		if err != nil {
			s.t.Fatal(err)
		}
		i := st.CachedInfo()
		all = append(all, fmt.Sprint(name, i.Created.UTC(), i.State.Msgs, i.State.Bytes, i.State.FirstSeq, i.State.LastSeq, i.State.FirstTime, i.State.LastTime))
	}
	return all
}

// accepted counts the saved monitors that the authority let in.
func (s *site) accepted() (n int) {
	s.t.Helper()
	st, err := s.js.Stream(s.t.Context(), monitorsStream)
	if err != nil {
		s.t.Fatal(err)
	}
	info, err := st.Info(s.t.Context(), jetstream.WithSubjectFilter(">"))
	if err != nil {
		s.t.Fatal(err)
	}
	for subject := range info.State.Subjects {
		m, err := st.GetLastMsgForSubject(s.t.Context(), subject)
		if err != nil {
			s.t.Fatal(err)
		}
		if s.authority.CheckSaved(subject, "", m.Header.Get(wire.AcceptedHeader), m.Header.Get(wire.ProofHeader), m.Data) == nil {
			n++
		}
	}
	return n
}

func (s *site) adopt() {
	s.t.Helper()
	if err := s.authority.Adopt(s.t.Context(), s.js); err != nil {
		s.t.Fatal(err)
	}
}

func TestBringAlong_ThereAndBack(t *testing.T) {
	store := t.TempDir()
	s := openSite(t, store, false, "")
	s.storeResults(3, 2, 5)
	want := s.state()
	s.close()

	s = openSite(t, store, true, "")
	if is := s.Brought(); is.From != OpenName || is.Aside != "" || len(is.Left) > 0 {
		t.Errorf("brought %+v", is)
	}
	if got := s.state(); !slices.Equal(got, want) {
		t.Errorf("after the move\n%v, want\n%v", got, want)
	}
	if ack, err := s.js.Publish(t.Context(), "results.paris.web", []byte("{}"), jetstream.WithMsgID("id4")); err != nil || !ack.Duplicate {
		t.Errorf("a result of before is stored again: %+v %v", ack, err)
	}
	s.adopt()
	if n := s.accepted(); n != 3 {
		t.Errorf("%d monitors are accepted, want 3", n)
	}
	// What nobody let in since is accepted by no later start.
	s.storeResults(4, 0, 0)
	s.close()
	s = openSite(t, store, true, "")
	s.adopt()
	if n := s.accepted(); n != 0 || s.Brought().From != "" {
		t.Errorf("%d unsigned monitors are accepted later, want none; brought %+v", n, s.Brought())
	}
	want = s.state()
	s.close()

	s = openSite(t, store, false, "")
	if is := s.Brought(); is.From == "" || is.From == OpenName {
		t.Errorf("brought %+v", is)
	}
	if got := s.state(); !slices.Equal(got, want) {
		t.Errorf("back\n%v, want\n%v", got, want)
	}
	s.close()
	s = openSite(t, store, false, "")
	if is := s.Brought(); is.From != "" {
		t.Errorf("brought once more: %+v", is)
	}
}

// TestBringAlong_OtherKeys: the access folder was lost, and all join again.
func TestBringAlong_OtherKeys(t *testing.T) {
	store := t.TempDir()
	s := openSite(t, store, true, "")
	s.storeResults(2, 0, 1)
	s.adopt()
	s.close()
	if err := os.RemoveAll(access.FolderOf(store)); err != nil {
		t.Fatal(err)
	}
	s = openSite(t, store, true, "")
	s.holds(2, 0, 1)
	s.adopt()
	if n := s.accepted(); n != 2 {
		t.Errorf("%d monitors are accepted by the new keys, want 2", n)
	}
}

// afterTheMistake is a store of a netmon that left the open account behind.
func afterTheMistake(t *testing.T, monitorsSince int) (store string) {
	t.Helper()
	store = t.TempDir()
	s := openSite(t, store, true, "")
	s.storeResults(monitorsSince, 0, 2)
	s.adopt()
	s.close()
	aside := t.TempDir()
	s = openSite(t, aside, false, "")
	s.storeResults(3, 1, 5)
	s.close()
	if err := os.Rename(filepath.Join(aside, server.JetStreamStoreDir, openAccount), filepath.Join(store, server.JetStreamStoreDir, openAccount)); err != nil {
		t.Fatal(err)
	}
	return store
}

// TestBringAlong_AfterTheMistake: somebody already continued with an empty mesh,
// and saved nothing there.
func TestBringAlong_AfterTheMistake(t *testing.T) {
	store := afterTheMistake(t, 0)
	s := openSite(t, store, true, "")
	s.holds(3, 1, 5)
	s.adopt()
	if n := s.accepted(); n != 3 {
		t.Errorf("%d monitors are accepted, want 3", n)
	}
	s.close()
	openSite(t, s.Brought().Aside, false, "").holds(0, 0, 2)
}

// TestBringAlong_BothSavedSomething replaces nothing without being asked.
func TestBringAlong_BothSavedSomething(t *testing.T) {
	store := afterTheMistake(t, 1)
	s := openSite(t, store, true, "")
	s.holds(1, 0, 2)
	if is := s.Brought(); is.From != "" || len(is.Left) != 1 || is.Left[0].Name() != OpenName || time.Since(is.Left[0].Last) > time.Hour {
		t.Errorf("brought %+v", is)
	}
	s.close()
	s = openSite(t, store, true, OpenName)
	s.holds(3, 1, 5)
	aside := s.Brought().Aside
	s.close()
	s = openSite(t, store, true, OpenName) // as a unit would, again and again
	s.holds(3, 1, 5)
	if is := s.Brought(); is.Missing != OpenName || is.Aside != "" {
		t.Errorf("brought %+v", is)
	}
	s.close()
	openSite(t, aside, false, "").holds(1, 0, 2)
}

// TestBringAlong_KilledAtEachStep leaves a move where a kill -9 may leave it.
func TestBringAlong_KilledAtEachStep(t *testing.T) {
	need.Time(t)
	for _, before := range []struct {
		name  string
		store func(*testing.T) string
	}{
		{"open until now", func(t *testing.T) string {
			store := t.TempDir()
			s := openSite(t, store, false, "")
			s.storeResults(3, 1, 5)
			s.close()
			return store
		}},
		{"after the mistake", func(t *testing.T) string { return afterTheMistake(t, 0) }},
	} {
		for n := range len(move{}.steps("", "", "")) + 1 {
			t.Run(fmt.Sprint(before.name, ", after step ", n), func(t *testing.T) {
				store := before.store(t)
				a, err := access.Open(access.FolderOf(store), nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				own := a.Account()
				a.Close()
				aside := filepath.Join(store, asideFolder, "killed")
				for _, step := range (move{from: openAccount}).steps(filepath.Join(store, server.JetStreamStoreDir), own, aside)[:n] {
					if err := step(); err != nil {
						t.Fatal(err)
					}
				}
				s := openSite(t, store, true, "")
				if is := s.Brought(); is.From != OpenName {
					t.Errorf("brought %+v", is)
				}
				s.holds(3, 1, 5)
				s.close() // before anything was accepted
				s = openSite(t, store, true, "")
				s.holds(3, 1, 5)
				s.adopt()
				if n := s.accepted(); n != 3 {
					t.Errorf("%d monitors are accepted, want 3", n)
				}
				s.close()
				sets, err := os.ReadDir(filepath.Join(store, asideFolder))
				if before.name == "after the mistake" && (err != nil || len(sets) != 1) {
					t.Fatalf("set aside: %v %v", sets, err)
				}
				for _, set := range sets {
					openSite(t, filepath.Join(store, asideFolder, set.Name()), false, "").holds(0, 0, 2)
				}
			})
		}
	}
}

// TestBringAlong_LeavesOthersAlone: a server of another use kept its streams there.
func TestBringAlong_LeavesOthersAlone(t *testing.T) {
	store := t.TempDir()
	var foreign []string
	for _, account := range []string{openAccount, "APP", "ADQFTI35FIYCJKU7W5OPDHLFJSQNBCLJF6MKGM2U5AGETYXZXKCM4MQP"} {
		dir := filepath.Join(store, server.JetStreamStoreDir, account, streamsFolder, "ORDERS", "msgs")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "1.blk")
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		foreign = append(foreign, file)
	}
	if is := openSite(t, store, true, "").Brought(); is.From != "" || is.Left != nil {
		t.Errorf("brought %+v", is)
	}
	for _, file := range foreign {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}

// TestBringAlong_CannotMove says what to do, and starts nothing.
func TestBringAlong_CannotMove(t *testing.T) {
	store := t.TempDir()
	s := openSite(t, store, false, "")
	s.storeResults(1, 0, 1)
	s.close()
	inTheWay := filepath.Join(store, server.JetStreamStoreDir, openAccount, cameName)
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	failed, err := tryOpenSite(t, store, true, "")
	if err == nil || !strings.Contains(err.Error(), "nothing is lost") {
		t.Errorf("error %v", err)
	}
	failed.authority.Close()
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	openSite(t, store, true, "").holds(1, 0, 1)
}

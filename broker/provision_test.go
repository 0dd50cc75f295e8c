package broker

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/wire"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func onBroker(t *testing.T) (*Broker, jetstream.JetStream) {
	t.Helper()
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: t.TempDir()})
	return b, connect(t, b.URL())
}

func configOf(t *testing.T, js jetstream.JetStream, stream string) jetstream.StreamConfig {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().Config
}

func TestProvision_Twice(t *testing.T) {
	_, js := onBroker(t)
	mustProvision(t, js, DefaultLimits())
	names := []string{wire.ResultsStream, wire.AgentsStream, wire.NoticesStream, wire.HistoryStream, wire.IncidentsStream, wire.VerdictsStream, monitorsStream, alertingStream, "OBJ_" + wire.ConfigsBucket}
	var before []jetstream.StreamConfig
	for _, n := range names {
		before = append(before, configOf(t, js, n))
	}
	mustProvision(t, js, DefaultLimits())
	mustProvision(t, js, Limits{})
	for i, n := range names {
		if after := configOf(t, js, n); !reflect.DeepEqual(before[i], after) {
			t.Errorf("%s changed:\n%+v\n%+v", n, before[i], after)
		}
		if c := before[i]; c.Description == "" || c.AllowMsgTTL || c.AllowMsgSchedules || c.AllowMsgCounter {
			t.Errorf("%s: %+v", n, c)
		}
	}
	for _, c := range before[:4] {
		if c.AllowRollup {
			t.Errorf("%s allows roll-up: an agent could delete what others stored", c.Name)
		}
	}
	for _, bucket := range []string{wire.MonitorsBucket, wire.AlertingBucket} {
		kv, err := js.KeyValue(t.Context(), bucket)
		if err != nil {
			t.Fatal(err)
		}
		if st, err := kv.Status(t.Context()); err != nil || st.History() != 64 {
			t.Errorf("%s: history %d, want 64 (%v)", bucket, st.History(), err)
		}
	}
}

func TestProvision_ByManyAtOnce(t *testing.T) {
	_, js := onBroker(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := Provision(t.Context(), js, DefaultLimits()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestProvision_OneMessageForEachID(t *testing.T) {
	_, js := onBroker(t)
	mustProvision(t, js, DefaultLimits())
	for i := range 3 {
		ack, err := js.Publish(t.Context(), "results.paris.web", nil, jetstream.WithMsgID("paris-e1-1"))
		if err != nil {
			t.Fatal(err)
		}
		if ack.Duplicate != (i > 0) {
			t.Errorf("publish %d: duplicate %v", i, ack.Duplicate)
		}
	}
	if n := stored(t, js); n != 1 {
		t.Errorf("%d results stored, want 1", n)
	}
}

func TestProvision_LastHeartbeats(t *testing.T) {
	_, js := onBroker(t)
	mustProvision(t, js, DefaultLimits())
	for range heartbeatsKept + 2 {
		for _, id := range []string{"paris", "tokyo"} {
			if _, err := js.Publish(t.Context(), "agent."+id+".alive", nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, _ := js.Stream(t.Context(), wire.AgentsStream)
	if n := s.CachedInfo().State.Msgs; n != 2*heartbeatsKept {
		t.Errorf("%d heartbeats, want %d for each of 2 agents", n, heartbeatsKept)
	}
}

// TestProvision_Verdicts: the stream is made with what the judge needs of it, and one
// without gets it; what others set stays.
func TestProvision_Verdicts(t *testing.T) {
	_, js := onBroker(t)
	old := verdictsConfig(DefaultLimits())
	old.AllowAtomicPublish, old.AllowRollup, old.MaxBytes, old.Metadata = false, false, 1<<20, map[string]string{"mine": "yes"}
	if _, err := js.CreateStream(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	mustProvision(t, js, DefaultLimits())
	c := configOf(t, js, wire.VerdictsStream)
	if !c.AllowAtomicPublish || !c.AllowRollup || !c.AllowDirect || c.MaxBytes != 256<<20 || c.MaxMsgsPerSubject != 1000 || c.MaxAge != 0 || c.Metadata["mine"] != "yes" {
		t.Errorf("not brought up to date: %+v", c)
	}
	mustProvision(t, js, Limits{ResultsBytes: 64 << 20})
	if c := configOf(t, js, wire.VerdictsStream); c.MaxBytes != 8<<20 {
		t.Errorf("it takes %d bytes, want an eighth of what results may take", c.MaxBytes)
	}
}

// TestProvision_Incidents: the streams are made with what the leader and notifiers need
// of them, as a small share of what results may take, in which the largest incident has
// room.
func TestProvision_Incidents(t *testing.T) {
	_, js := onBroker(t)
	old := incidentsConfig(DefaultLimits())
	old.AllowAtomicPublish, old.AllowRollup, old.Subjects, old.MaxBytes = false, false, old.Subjects[:1], 8<<20
	if _, err := js.CreateStream(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	mustProvision(t, js, Limits{ResultsBytes: 512 << 20})
	c := configOf(t, js, wire.IncidentsStream)
	if !c.AllowAtomicPublish || !c.AllowRollup || !c.AllowDirect || c.MaxBytes != 32<<20 || c.MaxMsgsPerSubject != 200 || c.MaxAge != 0 || len(c.Subjects) != 5 {
		t.Errorf("not brought up to date: %+v", c)
	}
	c = configOf(t, js, wire.NoticesStream)
	if c.Retention != jetstream.WorkQueuePolicy || c.MaxMsgsPerSubject != 1 || c.MaxBytes != 16<<20 || c.AllowRollup || c.Duplicates != wire.NoticeRepeats {
		t.Errorf("notices: %+v", c)
	}
	for results, want := range map[int64]int64{4 << 30: 64 << 20, 1 << 20: 4 * wire.MaxIncident} {
		mustProvision(t, js, Limits{ResultsBytes: results})
		if c := configOf(t, js, wire.IncidentsStream); c.MaxBytes != want {
			t.Errorf("where results take %d bytes incidents take %d, want %d", results, c.MaxBytes, want)
		}
	}
	if _, err := js.Publish(t.Context(), "incidents.large", make([]byte, wire.MaxIncident)); err != nil {
		t.Errorf("the largest incident: %v", err)
	}

	// One notice of each channel and incident, the newest; one that is repeated is there once.
	for i, id := range []string{"x-hook-1", "x-hook-2", "x-hook-1"} {
		ack, err := js.Publish(t.Context(), "notices.hook.x", []byte(id), jetstream.WithMsgID(id))
		if err != nil || ack.Duplicate != (i == 2) {
			t.Fatalf("notice %s: %+v %v", id, ack, err)
		}
	}
	s, err := js.Stream(t.Context(), wire.NoticesStream)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.GetLastMsgForSubject(t.Context(), "notices.hook.x"); err != nil || string(m.Data) != "x-hook-2" || s.CachedInfo().State.Msgs != 1 {
		t.Errorf("in the queue is %s, of %d: %v", m.Data, s.CachedInfo().State.Msgs, err)
	}
}

func TestProvision_RaisesAndKeepsForeignSettings(t *testing.T) {
	_, js := onBroker(t)
	old := resultsConfig(Limits{ResultsAge: time.Hour, ResultsBytes: 1 << 20, PerMonitor: 10, Replicas: 1})
	old.Description, old.AllowDirect, old.AllowRollup = "", false, true
	old.Compression = jetstream.S2Compression
	old.Subjects = []string{"results.>"}
	if _, err := js.CreateStream(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	mustProvision(t, js, DefaultLimits())
	got := configOf(t, js, wire.ResultsStream)
	want := resultsConfig(DefaultLimits())
	if got.MaxAge != want.MaxAge || got.MaxBytes != want.MaxBytes || got.MaxMsgsPerSubject != want.MaxMsgsPerSubject ||
		got.AllowRollup || !got.AllowDirect || got.Description != want.Description || got.Subjects[0] != wire.AllResults {
		t.Errorf("not brought up to date: %+v", got)
	}
	if got.Compression != jetstream.S2Compression {
		t.Error("compression was changed")
	}
}

func TestProvision_DestroysNothing(t *testing.T) {
	_, js := onBroker(t)
	mustProvision(t, js, Limits{ResultsAge: 30 * 24 * time.Hour})
	for range 20 {
		if _, err := js.Publish(t.Context(), "results.paris.web", make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(20 * time.Millisecond) // let the results grow older than the age below
	err := Provision(t.Context(), js, Limits{ResultsAge: 10 * time.Millisecond, ResultsBytes: 5000, PerMonitor: 5})
	var kept *KeptError
	if !errors.As(err, &kept) || len(kept.Limits) != 3 {
		t.Fatalf("error %v, want a KeptError of three limits", err)
	}
	t.Log(err)
	if n := stored(t, js); n != 20 {
		t.Errorf("%d results are left of 20", n)
	}
	// Lower, but nothing is lost by it.
	mustProvision(t, js, Limits{ResultsAge: 24 * time.Hour, ResultsBytes: 1 << 20, PerMonitor: 100})
	if c := configOf(t, js, wire.ResultsStream); c.MaxAge != 24*time.Hour || c.MaxBytes != 1<<20 || c.MaxMsgsPerSubject != 100 {
		t.Errorf("limits not lowered: %+v", c)
	}
	// Nothing said: nothing changed.
	mustProvision(t, js, Limits{})
	if c := configOf(t, js, wire.ResultsStream); c.MaxAge != 24*time.Hour {
		t.Errorf("age changed to %v without being asked", c.MaxAge)
	}
}

// TestProvision_SizeOfResults: a stream of an older netmon, which took a
// megabyte, takes no more than a result needs, and keeps what it has.
func TestProvision_SizeOfResults(t *testing.T) {
	for what, had := range map[string]int32{"of any size": 0, "smaller ones": 1000} {
		_, js := onBroker(t)
		old := resultsConfig(DefaultLimits())
		old.MaxMsgSize = had
		if _, err := js.CreateStream(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		n := uint64(0)
		if had == 0 {
			if _, err := js.Publish(t.Context(), "results.paris.web", make([]byte, wire.MaxOld)); err != nil {
				t.Fatal(err)
			}
			n++
		}
		mustProvision(t, js, Limits{})
		if c := configOf(t, js, wire.ResultsStream); c.MaxMsgSize != wire.MaxStored || stored(t, js) != n {
			t.Errorf("%s: takes %d bytes, has %d messages of %d", what, c.MaxMsgSize, stored(t, js), n)
		}
		// Headers count: with them, and a result of the greatest size, there is room to spare.
		id := jetstream.WithMsgID(strings.Repeat("x", 200))
		if _, err := js.Publish(t.Context(), "results.paris.web", make([]byte, wire.MaxResult), id); err != nil {
			t.Errorf("%s: the greatest result: %v", what, err)
		}
		if _, err := js.Publish(t.Context(), "results.paris.web", make([]byte, wire.MaxStored-100), id); err == nil {
			t.Errorf("%s: a result without room for its headers was stored", what)
		}
	}
}

// TestProvision_HeartbeatsInMemory: an older netmon kept them there. Another's
// stream of that name is not touched.
func TestProvision_HeartbeatsInMemory(t *testing.T) {
	_, js := onBroker(t)
	old := agentsConfig(DefaultLimits())
	old.Storage, old.Description = jetstream.MemoryStorage, "mine"
	if _, err := js.CreateStream(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := Provision(t.Context(), js, DefaultLimits()); err == nil || !strings.Contains(err.Error(), "storage is Memory, want File") {
		t.Errorf("error %v", err)
	}
	old.Description = "netmon: the last heartbeat of each agent, in memory, on " + wire.AllAlive
	if _, err := js.UpdateStream(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	mustProvision(t, js, DefaultLimits())
	if c := configOf(t, js, wire.AgentsStream); c.Storage != jetstream.FileStorage {
		t.Errorf("storage is %v", c.Storage)
	}
}

func TestProvision_SaysWhatCannotBeChanged(t *testing.T) {
	_, js := onBroker(t)
	c := resultsConfig(DefaultLimits())
	c.Storage, c.DenyPurge, c.AllowMsgTTL = jetstream.MemoryStorage, true, true
	c.MaxBytes = 1 << 20
	if _, err := js.CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "results.paris.web", nil); err != nil {
		t.Fatal(err)
	}
	err := Provision(t.Context(), js, DefaultLimits())
	if err == nil {
		t.Fatal("no error")
	}
	t.Log(err)
	for _, part := range []string{"stream RESULTS", "storage is Memory, want File", "deny_purge is true", "allow_msg_ttl is true", "nats stream backup RESULTS"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q", part)
		}
	}
	if n := stored(t, js); n != 1 {
		t.Error("the stream was emptied")
	}
	// The rest was made anyway.
	configOf(t, js, wire.AgentsStream)
	configOf(t, js, monitorsStream)
}

func TestProvision_BucketIsBroughtUpToDate(t *testing.T) {
	_, js := onBroker(t)
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: wire.MonitorsBucket, History: 1, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.PutString(t.Context(), "web", "{}"); err != nil {
		t.Fatal(err)
	}
	mustProvision(t, js, DefaultLimits())
	st, err := kv.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.History() != 64 || st.TTL() != 0 || st.Values() != 1 {
		t.Errorf("history %d, ttl %v, %d values; want 64, none, 1", st.History(), st.TTL(), st.Values())
	}
}

func TestProvision_SubjectTaken(t *testing.T) {
	_, js := onBroker(t)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "MINE", Subjects: []string{"results.>"}}); err != nil {
		t.Fatal(err)
	}
	err := Provision(t.Context(), js, DefaultLimits())
	if err == nil || !strings.Contains(err.Error(), "stream MINE keeps results.*.* already") {
		t.Errorf("error %v", err)
	}
}

func TestProvision_NoRoom(t *testing.T) {
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: t.TempDir(), MaxStore: 1 << 20})
	err := Provision(t.Context(), connect(t, b.URL()), DefaultLimits())
	var room *SpaceError
	if !errors.As(err, &room) {
		t.Fatalf("error %v", err)
	}
	room.Servers = b.Space(t.Context())
	for _, want := range []string{"the stream RESULTS (4.0 GiB on one server), the stream AUDIT (256.0 MiB on one server)", "has 2.5 MiB of 2.5 MiB left", "results-size", "max_file_store"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestProvision_NoJetStream(t *testing.T) {
	b := mustStart(t, Options{Config: config(t, "listen: 127.0.0.1:-1")})
	nc, err := nats.Connect(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, _ := jetstream.New(nc)
	if err := Provision(t.Context(), js, DefaultLimits()); err == nil || !strings.Contains(err.Error(), "no JetStream") {
		t.Errorf("error %v", err)
	}
}

// TestDefaultLimits_InTheDocument checks the figures that subjects.md gives.
func TestDefaultLimits_InTheDocument(t *testing.T) {
	doc, err := os.ReadFile("../subjects.md")
	if err != nil {
		t.Fatal(err)
	}
	const want = "a week, 4 GiB and 700,000 results of one monitor"
	if d := DefaultLimits(); !strings.Contains(string(doc), want) || d.ResultsAge != 7*24*time.Hour || d.ResultsBytes != 4<<30 || d.PerMonitor != 700_000 {
		t.Errorf("subjects.md should say %q, and the limits are %+v", want, d)
	}
}

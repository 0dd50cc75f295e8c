package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/internal/natstest"
	"netmon/notify/policy"
	"netmon/wire"
)

// mesh is a broker with what a leading controller makes for notifiers.
type mesh struct {
	t        *testing.T
	b        *broker.Broker
	nc       *nats.Conn
	js       jetstream.JetStream
	alerting jetstream.KeyValue
	ackWait  time.Duration
}

const patience = time.Minute

func newMesh(t *testing.T) *mesh {
	t.Helper()
	m := &mesh{t: t, b: natstest.Start(t), ackWait: 2 * time.Second}
	m.nc = natstest.Connect(t, m.b)
	m.js = natstest.JetStream(t, m.nc)
	var err error
	if m.alerting, err = m.js.KeyValue(t.Context(), wire.AlertingBucket); err != nil {
		t.Fatal(err)
	}
	return m
}

// save saves a channel of these settings in JSON, and makes its consumer.
func (m *mesh) save(settings string) *wire.Channel {
	m.t.Helper()
	var c wire.Channel
	if err := json.Unmarshal([]byte(settings), &c); err != nil {
		m.t.Fatal(err)
	}
	key, err := wire.SettingKey(wire.SortChannel, c.Name)
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := m.js.CreateOrUpdateConsumer(m.t.Context(), wire.NoticesStream, jetstream.ConsumerConfig{Durable: c.Name, FilterSubject: "notices." + c.Name + ".*",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: m.ackWait, MaxAckPending: 1000}); err != nil {
		m.t.Fatal(err)
	}
	if _, err := m.alerting.Put(m.t.Context(), key, []byte(settings)); err != nil {
		m.t.Fatal(err)
	}
	return &c
}

// store stores an incident, and then the notice that it wants.
func (m *mesh) store(i wire.Incident, n wire.Notice) {
	m.t.Helper()
	subject, err := wire.IncidentSubject(i.ID)
	if err != nil {
		m.t.Fatal(err)
	}
	m.publish(subject, i)
	if subject, err = wire.NoticeSubject(n.Channel, n.Incident); err != nil {
		m.t.Fatal(err)
	}
	m.publish(subject, n)
}

func (m *mesh) publish(subject string, v any) {
	m.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := m.js.Publish(m.t.Context(), subject, data); err != nil {
		m.t.Fatal(err)
	}
}

// about is an incident of this many changes, and the notice of the channel about it.
func about(channel, id string, n uint64, reason wire.Reason) (wire.Incident, wire.Notice) {
	m := testMessage(reason)
	i := m.Incident
	i.ID, i.N = id, n
	notice := wire.Notice{Channel: channel, Incident: id, N: n, Reason: reason, Of: n, At: i.At}
	i.Channels = []wire.ChannelState{{Channel: channel, N: n, Reason: reason, Of: n, Decided: i.At}}
	return i, notice
}

// run runs a notifier until the test, or the function that it returns, ends it.
func (m *mesh) run(options func(*Notifier)) (n *Notifier, stop func()) {
	m.t.Helper()
	n = New(Options{Connect: m.b.Connect, Policy: openPolicy(m.t), Host: "desk", Version: "1.2.3", Log: slog.New(slog.NewTextHandler(testOutput{m.t}, nil))})
	quick(&n.timings)
	if options != nil {
		options(n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	m.t.Cleanup(stop)
	return n, stop
}

type testOutput struct{ t *testing.T }

func (o testOutput) Write(p []byte) (int, error) { return o.t.Output().Write(p) }

// quick makes what takes seconds take a part of one.
func quick(t *timings) {
	t.backoff.first, t.backoff.most = 20*time.Millisecond, 200*time.Millisecond
	t.status, t.check, t.pause = 200*time.Millisecond, 50*time.Millisecond, 20*time.Millisecond
	t.gone = 100 * time.Millisecond
}

// openPolicy lets channels reach this host, and the secrets of NETMON_SECRET_* go there.
func openPolicy(t *testing.T) *policy.Policy {
	t.Helper()
	f := policy.Default()
	f.Targets.Reopen, f.Secrets.Targets = []string{"loopback"}, []string{"loopback"}
	p, err := policy.New(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// delivery waits for a delivery about an incident that is as wanted.
func (m *mesh) delivery(channel, id string, wanted func(wire.Delivery) bool) wire.Delivery {
	m.t.Helper()
	subject, err := wire.DeliverySubject(channel, id)
	if err != nil {
		m.t.Fatal(err)
	}
	var last wire.Delivery
	m.await("the delivery "+subject, func() bool {
		last = wire.Delivery{}
		raw := m.last(subject)
		if raw == nil {
			return false
		}
		if last, err = wire.DecodeDelivery(subject, raw); err != nil {
			m.t.Fatal(err)
		}
		return wanted(last)
	}, &last)
	return last
}

// status waits for a status of a channel that is as wanted.
func (m *mesh) status(channel string, wanted func(wire.ChannelStatus) bool) wire.ChannelStatus {
	m.t.Helper()
	var last wire.ChannelStatus
	m.await("the status of "+channel, func() bool {
		raw := m.last("channels." + channel)
		if raw == nil {
			return false
		}
		var err error
		if last, err = wire.DecodeChannelStatus("channels."+channel, raw); err != nil {
			m.t.Fatal(err)
		}
		return wanted(last)
	}, &last)
	return last
}

func (m *mesh) last(subject string) []byte {
	m.t.Helper()
	s, err := m.js.Stream(m.t.Context(), wire.IncidentsStream)
	if err != nil {
		m.t.Fatal(err)
	}
	raw, err := s.GetLastMsgForSubject(m.t.Context(), subject)
	if err != nil {
		return nil
	}
	return raw.Data
}

// await waits for what the broker or a server will have; shown is printed when it does not come.
func (m *mesh) await(what string, is func() bool, shown any) {
	m.t.Helper()
	for end := time.Now().Add(patience); ; {
		if is() {
			return
		}
		if time.Now().After(end) {
			data, _ := json.Marshal(shown)
			m.t.Fatalf("%s did not come; there is %s", what, data)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// queued is how many notices wait.
func (m *mesh) queued() int {
	m.t.Helper()
	s, err := m.js.Stream(m.t.Context(), wire.NoticesStream)
	if err != nil {
		m.t.Fatal(err)
	}
	return int(s.CachedInfo().State.Msgs)
}

func hook(name, url, more string) string {
	return fmt.Sprintf(`{"name":%q,"kind":"webhook","url":%q%s}`, name, url, more)
}

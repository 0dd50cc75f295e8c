package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/wire"
)

const (
	savedHook    = `{"name":"hook","kind":"webhook","url":"https://hooks.example.org/","author":"<me>"}`
	savedAck     = `{"incident":"i1","at":"2026-11-30T00:00:00Z","text":"on it","author":"<me>"}`
	savedSilence = `{"id":"s1","from":"2026-11-30T00:00:00Z","until":"2026-11-30T02:00:00Z","author":"<me>"}`

	delivered = `{"channel":"mail","incident":"i1","n":1,"key":"i1-mail-1","outcome":"sent","attempts":1,"first":"2026-11-30T00:00:00Z","at":"2026-11-30T00:00:00Z","by":"host"}`
	status    = `{"channel":"mail","by":"host","at":"2026-11-30T00:00:00Z","ready":true,"backlog":0,"sent":1,"revision":1}`
	leased    = `{"id":"L","host":"host","since":"2026-11-30T00:00:00Z"}`
)

// sets saves a setting, signed by who saves it.
func sets(key, operation, data string, headers ...string) func(trier) error {
	return func(a trier) error { return a.put(a.settings, key, operation, data, headers...) }
}

// notify has a notifier answer for the channel mail, for which there is a notice.
func notify(t *testing.T, s natstest.Mesh, js jetstream.JetStream) {
	t.Helper()
	_, err := js.CreateConsumer(t.Context(), wire.NoticesStream, jetstream.ConsumerConfig{Durable: "mail", FilterSubject: "notices.mail.*", AckPolicy: jetstream.AckExplicitPolicy})
	if err == nil {
		_, err = js.Publish(t.Context(), "notices.mail.i1", []byte(`{"channel":"mail","incident":"i1"}`))
	}
	if err != nil {
		t.Fatal(err)
	}
	nc := s.As(t, wire.RoleNotifier, "mail1")
	_, err = nc.Subscribe("notify.mail.cmd", func(m *nats.Msg) { m.Respond([]byte(`{"channel":"mail","outcome":"sent"}`)) })
	if err != nil || nc.Flush() != nil {
		t.Fatal(err)
	}
}

// alertingDeeds is what is tried about incidents, settings and notices. i1 is an
// incident, mail a channel that is saved.
func alertingDeeds() []deed {
	informed := slices.Concat(readers, senders)
	lease := func(data string, headers ...string) func(trier) error {
		return asks("$KV.control.notifier.mail", data, headers...)
	}
	const over = "Nats-Expected-Last-Subject-Sequence"
	return []deed{
		{"tap incidents as they change (`incidents.*`)", readers, hears("incidents.*")},
		{"tap what else is wrong (`troubles.*.*`)", readers, hears("troubles.*.*")},
		{"tap what became of notices (`deliveries.*.*`)", readers, hears("deliveries.*.*")},
		{"tap how channels are (`channels.*`)", readers, hears("channels.*")},
		{"tap how far the leader is (`keeper.>`)", none, hears("keeper.>")},
		{"read an incident", informed, asks("$JS.API.DIRECT.GET.INCIDENTS.incidents.i1", "")},
		{"follow incidents (a consumer of `INCIDENTS`)", informed, makes("INCIDENTS", "")},
		{"say that there is an incident (`incidents.i1`)", none, asks("incidents.i1", "{}")},
		{"say so in the place of all that there were", none, asks("incidents.i1", "{}", "Nats-Rollup", "all")},
		{"say that something else is wrong (`troubles.disk.a`)", none, asks("troubles.disk.a", "{}")},
		{"write what the leader goes on from (`keeper.position`)", none, asks("keeper.position", "{}")},
		{"say what became of a notice (`deliveries.mail.i1`)", senders, asks("deliveries.mail.i1", delivered)},
		{"say it of a channel that nobody saved", none, asks("deliveries.other.i1", strings.ReplaceAll(delivered, `"mail"`, `"other"`))},
		{"say it of an incident that there never was", none, asks("deliveries.mail.i2", strings.ReplaceAll(delivered, `"i1"`, `"i2"`))},
		{"say it of another channel than the subject says", none, asks("deliveries.mail.i1", strings.ReplaceAll(delivered, `"mail"`, `"other"`))},
		{"say how a channel is (`channels.mail`)", senders, asks("channels.mail", status)},
		{"say how a channel is that nobody saved", none, asks("channels.other", strings.ReplaceAll(status, `"mail"`, `"other"`))},

		{"see how many notices wait (`$JS.API.STREAM.INFO.NOTICES`)", informed, asks("$JS.API.STREAM.INFO.NOTICES", "")},
		{"take a notice (`$JS.API.CONSUMER.MSG.NEXT.NOTICES.mail`)", senders, asks("$JS.API.CONSUMER.MSG.NEXT.NOTICES.mail", `{"batch":1,"no_wait":true}`)},
		{"acknowledge a notice to the queue (`$JS.ACK.NOTICES.>`)", senders, sends("$JS.ACK.NOTICES.mail.1.1.1.1.0", "+ACK")},
		{"acknowledge what another reads of results (`$JS.ACK.RESULTS.>`)", none, sends("$JS.ACK.RESULTS.keeps.1.1.1.1.0", "+ACK")},
		{"read a notice past the queue", none, asks("$JS.API.DIRECT.GET.NOTICES.notices.mail.i1", "")},
		{"follow notices (a consumer of `NOTICES`)", none, makes("NOTICES", "")},
		{"make a queue's consumer", none, asks("$JS.API.CONSUMER.CREATE.NOTICES.mine.notices.mine.*", `{"stream_name":"NOTICES","config":{"name":"mine","durable_name":"mine","filter_subject":"notices.mine.*","ack_policy":"explicit"}}`)},
		{"delete one (`$JS.API.CONSUMER.DELETE.NOTICES.mail`)", none, asks("$JS.API.CONSUMER.DELETE.NOTICES.mail", "")},
		{"write a notice (`notices.mail.i1`)", none, asks("notices.mail.i1", "{}")},
		{"try a channel (`notify.mail.cmd`)", writers, asks("notify.mail.cmd", `{"op":"test","by":"<me>"}`)},
		{"answer for channels that are tried (`notify.*.cmd`)", senders, hears("notify.*.cmd")},
		{"hold the lease of a channel (`$KV.control.notifier.mail`)", senders, lease(leased, over, "0")},
		{"hold it over another's", none, lease(leased, over, "99999")},
		{"hold it whatever is there", none, lease(leased)},
		{"hold it in the place of all leases", none, lease(leased, over, "0", "Nats-Rollup", "all")},
		{"end all leases with it", none, lease("", over, "0", "KV-Operation", "PURGE", "Nats-Rollup", "all")},
		{"hold it by what is no lease", none, lease("{}", over, "0")},
		{"read the leases of channels", append(slices.Clone(readers), senders...), asks("$JS.API.DIRECT.GET.KV_control.$KV.control.notifier.mail", "")},
		{"follow leases (of `KV_control`)", readers, makes("KV_control", "")},

		{"read a setting (`$KV.alerting.channel.mail`)", informed, asks("$JS.API.DIRECT.GET.KV_alerting.$KV.alerting.channel.mail", "")},
		{"follow settings (of `KV_alerting`)", informed, makes("KV_alerting", "")},
		{"save a channel (`$KV.alerting.channel.hook`), signed", writers, sets("channel.hook", "", savedHook)},
		{"save it without a signature", none, asks("$KV.alerting.channel.hook", savedHook, over, "0")},
		{"save it in another's name", none, sets("channel.hook", "", strings.ReplaceAll(savedHook, "<me>", "oslo"))},
		{"save it over a revision that it was not signed for", none, func(a trier) error { return a.ahead(a.settings, "channel.hook", savedHook) }},
		{"save it under another key", none, sets("channel.other", "", savedHook)},
		{"save it as what it is not", none, sets("rule.hook", "", savedHook)},
		{"save it under a key of no sort", none, sets("other.hook", "", savedHook)},
		{"save what is no channel", none, sets("channel.hook", "", "{}")},
		{"save it as what others take for a deletion (`KV-Operation: PUT`)", none, sets("channel.hook", "PUT", savedHook)},
		{"save it in the place of all settings", none, sets("channel.hook", "", savedHook, "Nats-Rollup", "all")},
		{"save it by what was signed for another key", none, func(a trier) error {
			if a.signer() == nil {
				return errors.New("nothing to sign with")
			}
			m := message("$KV.alerting.channel.hook", strings.ReplaceAll(savedHook, "<me>", a.name), over, "0")
			proof, err := a.signer().Sign("$KV.alerting.channel.hooks", "", m.Data, wire.Proof{Store: a.settings.store})
			if err != nil {
				return err
			}
			m.Header.Set(wire.ProofHeader, proof)
			return ask(a.Conn, m)
		}},
		{"delete it, signed", writers, sets("channel.hook", "DEL", "")},
		{"wipe its history (`KV-Operation: PURGE`)", none, sets("channel.hook", "PURGE", "", "Nats-Rollup", "sub")},
		{"acknowledge an incident (`$KV.alerting.ack.i1`), signed", writers, sets("ack.i1", "", savedAck)},
		{"acknowledge it in another's name", none, sets("ack.i1", "", strings.ReplaceAll(savedAck, "<me>", "oslo"))},
		{"silence (`$KV.alerting.silence.s1`), signed", writers, sets("silence.s1", "", savedSilence)},
		{"silence in another's name", none, sets("silence.s1", "", strings.ReplaceAll(savedSilence, "<me>", "oslo"))},
	}
}

package access

import (
	"cmp"

	"github.com/nats-io/jwt/v2"

	"netmon/wire"
)

// Names of the accounts.
const (
	accountMesh      = "MESH"
	accountAgents    = "AGENTS"
	accountConsoles  = "CONSOLES"
	accountNotifiers = "NOTIFIERS"
	accountJoin      = "JOIN"
	accountSystem    = "SYSTEM"
)

// roleController is also that of the service in this package.
const roleController = wire.RoleController

// Inbox prefixes. Agents have one each at the top level; those of consoles and
// notifiers are below one word, which is what their accounts import.
const (
	ConsoleInbox = "_INBOX"
	JoinInbox    = "_INBOX_join"
)

// grant is what a role may do, with NATS's template for the user's name.
type grant struct {
	role     wire.Role
	account  string
	publish  []string
	read     []string // subscribe
	answer   bool     // publish once to where a request asks for its reply
	payload  int64    // bytes of one message
	subs     int64    // subscriptions of one connection
	describe string
}

const me = "{{name()}}"

// readable are the streams that every console reads.
var readable = []string{wire.ResultsStream, wire.AgentsStream, wire.VerdictsStream, wire.IncidentsStream, wire.HistoryStream, monitorsStream, settingsStream, "KV_" + wire.ControlBucket, configsStream}

// viewing is what consoles publish to read streams, and to ask for history. Of notices
// they see how many wait.
func viewing(streams []string) []string {
	return append([]string{"$SRV.>", "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO." + wire.NoticesStream, "access.rotate." + me, "access.delegate." + me, wire.HistorySubject}, reading(streams)...)
}

// reading is what reading streams takes: JetStream's requests about these, and
// nothing that changes one.
func reading(streams []string) (publish []string) {
	for _, s := range streams {
		publish = append(publish,
			"$JS.API.STREAM.INFO."+s,
			"$JS.API.STREAM.MSG.GET."+s,
			"$JS.API.DIRECT.GET."+s, "$JS.API.DIRECT.GET."+s+".>",
			"$JS.API.CONSUMER.CREATE."+s, "$JS.API.CONSUMER.CREATE."+s+".>",
			"$JS.API.CONSUMER.INFO."+s+".*",
			"$JS.API.CONSUMER.MSG.NEXT."+s+".*",
			"$JS.API.CONSUMER.DELETE."+s+".*",
			"$JS.FC."+s+".>")
	}
	return publish
}

// operating is what commanding and saving take besides.
var operating = []string{"agent.*.cmd", "notify.*.cmd", "$KV." + wire.MonitorsBucket + ".*", "$KV." + wire.AlertingBucket + ".*.*", "$O." + wire.ConfigsBucket + ".>", "$JS.API.STREAM.PURGE.OBJ_" + wire.ConfigsBucket}

// Tapping is by results.>, as the nats program does it.
const tapResults = "results.>"

var consoleReads = []string{tapResults, wire.AllAlive, wire.AllVerdicts, wire.AllIncidents, wire.AllTroubles, wire.AllDeliveries, wire.AllChannels, ConsoleInbox + "." + me + ".>"}

// notifying is what a notifier publishes. It makes no consumer of notices, as the
// controller has made one for each channel.
var notifying = append([]string{
	"access.rotate." + me, wire.AllDeliveries, wire.AllChannels, channelLeases + ".*",
	"$JS.API.INFO",
	"$JS.API.STREAM.INFO." + wire.NoticesStream, "$JS.API.CONSUMER.INFO." + wire.NoticesStream + ".*", "$JS.API.CONSUMER.MSG.NEXT." + wire.NoticesStream + ".*",
	"$JS.ACK." + wire.NoticesStream + ".>",
	"$JS.API.STREAM.INFO.KV_" + wire.ControlBucket, "$JS.API.DIRECT.GET.KV_" + wire.ControlBucket + "." + channelLeases + ".*",
	"$JS.API.DIRECT.GET.KV_" + wire.ControlBucket + ".$KV." + wire.ControlBucket + "." + wire.LeaderKey, // whether anybody leads
}, reading([]string{wire.IncidentsStream, settingsStream})...)

// channelLeases is where leases of channels are, each under its channel's name.
const channelLeases = "$KV." + wire.ControlBucket + ".notifier"

// grants is the one list of what roles may do.
func grants() []grant {
	view := viewing(readable)
	operate := append(viewing(append([]string{wire.AuditStream}, readable...)), operating...)
	return []grant{
		// With answer, a request to an agent lets it publish to wherever that
		// request wants its reply. So it must not be able to send itself one:
		// none of what it publishes is among what it reads.
		{role: wire.RoleAgent, account: accountAgents,
			publish: []string{"results." + me + ".*", "agent." + me + ".alive", "audit." + me,
				"access.rotate." + me, "access.claim." + me, "$JS.API.DIRECT.GET." + wire.ResultsStream + ".results." + me + ".*"},
			read:   []string{"agent." + me + ".cmd", "_INBOX_" + me + ".>", "$SRV.*", "$SRV.*.netmon-agent", "$SRV.*.netmon-agent.*"},
			answer: true, payload: 1 << 20, subs: 64,
			describe: "sends its own results and heartbeat, takes its own commands, asks for the last stored result of its own monitors"},
		{role: wire.RoleViewer, account: accountConsoles, publish: view, read: consoleReads, payload: 64 << 10, subs: 512,
			describe: "reads results, verdicts, incidents, history, heartbeats, saved monitors and settings"},
		{role: wire.RoleOperator, account: accountConsoles, publish: operate, read: consoleReads, payload: 1 << 20, subs: 512,
			describe: "a viewer that also commands agents, saves monitors and settings, tries channels and reads the audit"},
		{role: wire.RoleAdmin, account: accountConsoles, publish: append(operate[:len(operate):len(operate)], wire.AccessAdminSubject), read: consoleReads, payload: 1 << 20, subs: 512,
			describe: "an operator that also lets others in and shuts them out"},
		// As with agents: what it is asked has a reply, and it cannot ask itself.
		{role: wire.RoleNotifier, account: accountNotifiers, publish: notifying, read: []string{"notify.*.cmd", ConsoleInbox + "." + me + ".>"}, answer: true, payload: 64 << 10, subs: 512,
			describe: "reads incidents and settings, takes notices, and says what became of them"},
		{role: roleController, account: accountMesh, publish: []string{">"}, read: []string{">"}, answer: true, payload: jwt.NoLimit, subs: jwt.NoLimit,
			describe: "the broker's own controller: it keeps the streams, sends saved monitors to agents and judges"},
	}
}

// grantOf is what a role may do.
func grantOf(role wire.Role) grant {
	for _, g := range grants() {
		if g.role == role {
			return g
		}
	}
	return grant{}
}

// accountOf is where the users of a role are.
func accountOf(role wire.Role) string { return grantOf(role).account }

// crossing is one subject that an account may ask of another one.
type crossing struct {
	account string // that asks
	of      string // that is asked; "" is MESH
	local   string // as its clients publish it
	remote  string // as it arrives; "" is the same
	named   bool   // the server says who asks
	stream  bool   // flows the other way: what clients may subscribe to
}

// Subjects on which this package stands between consoles and what they change.
const (
	gateAccess   = "gate.access"   // access.admin
	gateSave     = "gate.save"     // $KV.monitors.*
	gateSettings = "gate.settings" // $KV.alerting.*.*
	gateSets     = "gate.sets"     // $O.configs.M.*
	gateConsumer = "gate.consumer" // $JS.API.CONSUMER.CREATE.>
)

// askHistory takes wire.HistorySubject. A wildcard: see crossings.
const askHistory = "history.*"

// And between notifiers and what they report.
const (
	gateReports = "gate.told"  // deliveries.*.*, channels.*
	gateLease   = "gate.lease" // $KV.control.notifier.*
)

// crossings is the one list of what passes between accounts.
//
// An answer is delivered to whatever subject the asker named, also to one on
// which its account asks another: NATS checks the permission to publish for
// requests only. What crosses by a wildcard is not taken for an answer's
// further way, as the server matches it with the answer's own subject; what
// crosses by a literal would be. So all of what changes something has a
// wildcard, and agents do not share an account with the streams, whose
// acknowledgements would go wherever an agent says. TestAttack_ByReply tries it.
func crossings() []crossing {
	c := func(local string) crossing { return crossing{account: accountConsoles, local: local} }
	list := []crossing{
		{account: accountJoin, local: wire.AccessJoinSubject},
		{account: accountMesh, of: accountAgents, local: "agent.*.cmd"},
		{account: accountMesh, of: accountAgents, local: askClaim},
		{account: accountAgents, local: wire.AllResults},
		{account: accountAgents, local: wire.AllAlive},
		{account: accountAgents, local: wire.AllAudits},
		{account: accountAgents, local: "access.rotate.*"},
		{account: accountAgents, local: "access.claim.*"},
		{account: accountAgents, local: "$JS.API.DIRECT.GET.>"},
		{account: accountConsoles, of: accountAgents, local: "agent.*.cmd"},
		{account: accountConsoles, of: accountAgents, local: "$SRV.>"},
		{account: accountConsoles, local: "access.*", remote: gateAccess + ".*"},
		{account: accountConsoles, local: "access.rotate.*"},
		{account: accountConsoles, local: "access.delegate.*"},
		{account: accountConsoles, local: "$KV." + wire.MonitorsBucket + ".>", remote: gateSave + ".>"},
		{account: accountConsoles, local: "$KV." + wire.AlertingBucket + ".>", remote: gateSettings + ".>"},
		{account: accountConsoles, of: accountNotifiers, local: "notify.*.cmd", named: true},
		{account: accountConsoles, local: "$JS.API.CONSUMER.CREATE.>", remote: gateConsumer + ".>", named: true},
		{account: accountConsoles, of: accountAgents, local: tapResults, stream: true},
		{account: accountConsoles, of: accountAgents, local: wire.AllAlive, stream: true},
		{account: accountConsoles, local: wire.AllVerdicts, stream: true},
		{account: accountConsoles, local: wire.AllIncidents, stream: true},
		{account: accountConsoles, local: wire.AllTroubles, stream: true},
		{account: accountConsoles, local: wire.AllDeliveries, stream: true},
		{account: accountConsoles, local: wire.AllChannels, stream: true},
		{account: accountConsoles, local: ConsoleInbox + ".>", stream: true},
		{account: accountConsoles, local: configsMeta + ">", remote: gateSets + ".>"},
		c("$O." + wire.ConfigsBucket + ".C.>"), c("$JS.API.STREAM.PURGE.*"),
		{account: accountConsoles, local: askHistory, named: true},
		c("$JS.API.INFO"), c("$JS.API.STREAM.NAMES"), c("$JS.API.STREAM.LIST"), c("$JS.API.STREAM.INFO.*"), c("$JS.API.STREAM.MSG.GET.*"),
		c("$JS.API.DIRECT.GET.>"), c("$JS.API.CONSUMER.INFO.>"), c("$JS.API.CONSUMER.MSG.NEXT.>"), c("$JS.API.CONSUMER.DELETE.>"), c("$JS.FC.>"),
	}
	n := func(local string) crossing { return crossing{account: accountNotifiers, local: local} }
	list = append(list,
		crossing{account: accountNotifiers, local: wire.AllDeliveries, remote: gateReports + "." + wire.AllDeliveries},
		crossing{account: accountNotifiers, local: wire.AllChannels, remote: gateReports + "." + wire.AllChannels},
		crossing{account: accountNotifiers, local: channelLeases + ".*", remote: gateLease + ".*"},
		crossing{account: accountNotifiers, local: "$JS.API.CONSUMER.CREATE.>", remote: gateConsumer + ".>", named: true},
		crossing{account: accountNotifiers, local: ConsoleInbox + ".>", stream: true},
		n("access.rotate.*"), n("$JS.ACK."+wire.NoticesStream+".>"),
		n("$JS.API.INFO"), n("$JS.API.STREAM.INFO.*"), n("$JS.API.STREAM.MSG.GET.*"), n("$JS.API.DIRECT.GET.>"),
		n("$JS.API.CONSUMER.INFO.>"), n("$JS.API.CONSUMER.MSG.NEXT.>"), n("$JS.API.CONSUMER.DELETE.>"), n("$JS.FC.>"))
	for i, x := range list {
		list[i].of = cmp.Or(x.of, accountMesh)
		list[i].remote = cmp.Or(x.remote, x.local)
	}
	return list
}

// template is a grant in NATS's words.
func (g grant) template() jwt.UserPermissionLimits {
	var t jwt.UserPermissionLimits
	t.NatsLimits = jwt.NatsLimits{Subs: g.subs, Data: jwt.NoLimit, Payload: g.payload}
	t.Pub.Allow.Add(g.publish...)
	t.Sub.Allow.Add(g.read...)
	if g.answer {
		t.Resp = &jwt.ResponsePermission{MaxMsgs: 1, Expires: answerWithin}
	}
	t.AllowedConnectionTypes.Add(jwt.ConnectionTypeStandard, jwt.ConnectionTypeInProcess)
	return t
}

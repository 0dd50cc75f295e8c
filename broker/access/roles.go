package access

import (
	"cmp"

	"github.com/nats-io/jwt/v2"

	"netmon/wire"
)

// Names of the accounts.
const (
	accountMesh     = "MESH"
	accountAgents   = "AGENTS"
	accountConsoles = "CONSOLES"
	accountJoin     = "JOIN"
	accountSystem   = "SYSTEM"
)

// roleController is also that of the service in this package.
const roleController = wire.RoleController

// Inbox prefixes. Agents have one each at the top level; those of consoles are
// below one word, which is what the consoles' account imports.
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
var readable = []string{wire.ResultsStream, wire.AgentsStream, wire.VerdictsStream, "KV_" + wire.MonitorsBucket, "KV_" + wire.ControlBucket, "OBJ_" + wire.ConfigsBucket}

// viewing is what reading takes: JetStream's requests about streams that
// consoles may read, and nothing that changes one.
func viewing(streams []string) (publish []string) {
	publish = []string{"$SRV.>", "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "access.rotate." + me}
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
var operating = []string{"agent.*.cmd", "$KV." + wire.MonitorsBucket + ".*", "$O." + wire.ConfigsBucket + ".>", "$JS.API.STREAM.PURGE.OBJ_" + wire.ConfigsBucket}

// Tapping is by results.>, as the nats program does it.
const tapResults = "results.>"

var consoleReads = []string{tapResults, wire.AllAlive, wire.AllVerdicts, ConsoleInbox + "." + me + ".>"}

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
			describe: "reads results, verdicts, heartbeats and saved monitors"},
		{role: wire.RoleOperator, account: accountConsoles, publish: operate, read: consoleReads, payload: 1 << 20, subs: 512,
			describe: "a viewer that also commands agents, saves monitors and reads the audit"},
		{role: wire.RoleAdmin, account: accountConsoles, publish: append(operate[:len(operate):len(operate)], wire.AccessAdminSubject), read: consoleReads, payload: 1 << 20, subs: 512,
			describe: "an operator that also lets others in and shuts them out"},
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
	gateSets     = "gate.sets"     // $O.configs.M.*
	gateConsumer = "gate.consumer" // $JS.API.CONSUMER.CREATE.>
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
		{account: accountConsoles, local: "$KV." + wire.MonitorsBucket + ".>", remote: gateSave + ".>"},
		{account: accountConsoles, local: "$JS.API.CONSUMER.CREATE.>", remote: gateConsumer + ".>", named: true},
		{account: accountConsoles, of: accountAgents, local: tapResults, stream: true},
		{account: accountConsoles, of: accountAgents, local: wire.AllAlive, stream: true},
		{account: accountConsoles, local: wire.AllVerdicts, stream: true},
		{account: accountConsoles, local: ConsoleInbox + ".>", stream: true},
		{account: accountConsoles, local: configsMeta + ">", remote: gateSets + ".>"},
		c("$O." + wire.ConfigsBucket + ".C.>"), c("$JS.API.STREAM.PURGE.*"),
		c("$JS.API.INFO"), c("$JS.API.STREAM.NAMES"), c("$JS.API.STREAM.LIST"), c("$JS.API.STREAM.INFO.*"), c("$JS.API.STREAM.MSG.GET.*"),
		c("$JS.API.DIRECT.GET.>"), c("$JS.API.CONSUMER.INFO.>"), c("$JS.API.CONSUMER.MSG.NEXT.>"), c("$JS.API.CONSUMER.DELETE.>"), c("$JS.FC.>"),
	}
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

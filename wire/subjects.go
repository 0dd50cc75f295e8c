package wire

import (
	"fmt"
	"time"
)

// Subject is one family of subjects: who writes what to whom.
// In a Pattern, <name> stands for a token.
type Subject struct {
	Pattern, From, To, Payload, Purpose string
}

// Subjects lists every subject of the mesh. subjects.md shows it.
var Subjects = []Subject{
	{"agent.<id>.cmd", "console, controller", "agent", "Command, answered by Reply", "start, stop, run, sync, list, probe, info, rotate, trust"},
	{"results.<id>.<monitor>", "agent", "stream RESULTS, consoles", "Result", "one message for each run of a monitor"},
	{"agent.<id>.alive", "agent, broker", "stream AGENTS, consoles, controller", "Alive", "every 10 s, and when something changes; the broker's says that the agent is gone"},
	{"verdicts.<monitor>", "the leading controller", "stream VERDICTS, consoles", "Verdict", "one message for each change of a monitor's state"},
	{"verdicts.agent.<id>", "the leading controller", "stream VERDICTS, consoles", "AgentVerdict", "an agent's own trouble: monitors are judged without it"},
	{"verdicts.mesh.broker", "the leading controller", "stream VERDICTS, consoles", "MeshVerdict", "all agents fell silent at once: verdicts are frozen"},
	{"verdicts.group.<name>", "the leading controller", "stream VERDICTS, consoles", "GroupVerdict", "one message for each change of a group's state"},
	{"verdicts.placement.<monitor>", "the leading controller", "stream VERDICTS, consoles", "Placement", "which agents run a monitor that runs on some of those that match"},
	{"incidents.<id>", "the leading controller", "stream INCIDENTS, consoles, notifiers", "Incident", "what is wrong, grouped by cause: one message for each change"},
	{"troubles.<about>.<name>", "the leading controller, broker", "stream INCIDENTS, consoles", "Trouble", "what is wrong and in no verdict: certificates, disk, results lost"},
	{"notices.<channel>.<incident>", "the leading controller", "stream NOTICES, notifiers", "Notice", "a channel is to be notified: the newest replaces the previous one"},
	{"deliveries.<channel>.<incident>", "notifier", "stream INCIDENTS, controller, consoles", "Delivery", "what became of the newest notice"},
	{"channels.<name>", "notifier", "stream INCIDENTS, consoles", "ChannelStatus", "every 10 s, and when something changes"},
	{"notify.<channel>.cmd", "console", "notifier", "NotifyCommand, answered by NotifyReply", "try a channel"},
	{"history.<monitor>.<id>", "the leading controller", "stream HISTORY, controllers", "HistoryHour", "an hour of a series that is over, as one value; after a late result another one"},
	{"history.get", "console", "controller", "HistoryQuery, answered by HistoryReply", "rollups or states of months"},
	{"audit.<where>", "agent, broker", "stream AUDIT", "Audit", "who changed what"},
	{"access.join", "who holds a token", "broker", "Join, answered by Sealed", "a token for a credential"},
	{"access.admin", "admin", "broker", "AccessCommand, answered by AccessReply", "make a token, list, revoke, resume, forget; list and end consumers"},
	{"access.rotate.<name>", "who has that name", "broker", "Join, answered by AccessReply", "another key; which authority takes over"},
	{"access.delegate.<name>", "who has that name, or a session of it", "broker", "Delegation, answered by AccessReply", "let a key act in one's name for some hours; end that"},
	{"access.claim.<id>", "agent", "broker", "Command, answered by Replies", "who else has this id"},
}

// Names of what the broker keeps.
const (
	ResultsStream   = "RESULTS"   // what was measured: results.*.*
	AgentsStream    = "AGENTS"    // the last agent.*.alive of each agent
	VerdictsStream  = "VERDICTS"  // what it means: verdicts.>, and what the judge needs to continue after a restart: judge.>
	IncidentsStream = "INCIDENTS" // incidents.*, troubles.*.*, deliveries.*.*, channels.*; and keeper.>, how far the leader is
	NoticesStream   = "NOTICES"   // notices.*.* that are not sent yet
	AlertingBucket  = "alerting"  // channels, rules, windows, groups, silences, acknowledgements: SORT.NAME
	MonitorsBucket  = "monitors"  // what should run: one key for each monitor
	ConfigsBucket   = "configs"   // saved configurations: an object store, an object for each
	ControlBucket   = "control"   // who does what only one may: leases under LeaderKey and NotifierKey, and FilesKey
)

// What the metadata of the stream of results says where a broker looks after it.
const (
	CompressionKey = "netmon.compression" // how many bytes the stream counts for one on disk, such as 6.90
	SizeKey        = "netmon.size"        // bytes that results should take on disk; the limit of the stream is up to four times that
)

// LeaderKey holds the Lease of the controller that leads. A lease that is not
// renewed is gone after LeaseTTL, and another controller takes over.
const (
	LeaderKey = "leader"
	LeaseTTL  = 6 * time.Second
)

// FilesKey holds the KeptFiles of the leading controller, if it keeps any.
const FilesKey = "files"

// NotifierKey holds the Lease of the notifier that sends by a channel.
func NotifierKey(channel string) (string, error) { return one("notifier.", "channel name", channel) }

// Lease says who controls, or who sends by a channel.
type Lease struct {
	ID    string    `json:"id"`   // one life of a controller or notifier
	Host  string    `json:"host"` // where it runs
	Since time.Time `json:"since"`
}

// KeptFiles is how far what is saved is as the files of a folder have it, which the
// leading controller keeps so. It is under FilesKey, and gone as a lease is.
type KeptFiles struct {
	Folder   string    `json:"folder"`             // on the controller's host
	Host     string    `json:"host"`               // of the controller
	Since    time.Time `json:"since"`              // it is so
	Monitors int       `json:"monitors"`           // in the files that were right last
	Settings int       `json:"settings,omitempty"` // channels, rules, windows, groups
	Mistakes int       `json:"mistakes,omitempty"` // in the files of now: nothing is saved of them
	Problem  string    `json:"problem,omitempty"`  // why they are not saved, or the first mistake; absent: all is saved
}

// Wildcards over all agents, for streams and subscriptions.
const (
	AllResults  = "results.*.*"
	AllVerdicts = "verdicts.>"
	AllJudge    = "judge.>" // checkpoints and recorded events, for the judge alone

	AllIncidents  = "incidents.*"
	AllTroubles   = "troubles.*.*"
	AllNotices    = "notices.*.*"
	AllDeliveries = "deliveries.*.*"
	AllChannels   = "channels.*"
	AllKeeper     = "keeper.>" // how far the leader is, for the leader alone

	AllGroupVerdicts = "verdicts.group.*"
	AllPlacements    = "verdicts.placement.*"
	AllAgentVerdicts = "verdicts.agent.*"
	AllAlive         = "agent.*.alive"
)

// MeshVerdictSubject is where the verdict on the mesh itself goes.
const MeshVerdictSubject = "verdicts.mesh.broker"

const (
	resultsPrefix       = "results." // of what DecodeResult reads
	verdictsPrefix      = "verdicts."
	agentVerdictsPrefix = "verdicts.agent."
	placementsPrefix    = "verdicts.placement."
)

// CommandSubject is where the agent takes requests.
func CommandSubject(agent string) (string, error) { return subject("agent", agent, "cmd") }

// AliveSubject is where the agent's heartbeat goes.
func AliveSubject(agent string) (string, error) { return subject("agent", agent, "alive") }

// ResultSubject is where the agent's results of the monitor go.
func ResultSubject(agent, monitor string) (string, error) {
	if err := CheckToken(monitor); err != nil {
		return "", fmt.Errorf("monitor name %w", err)
	}
	return subject("results", agent, monitor)
}

// ResultsOf is the wildcard for the results of one agent, of one monitor, or,
// where either is "", of all.
func ResultsOf(agent, monitor string) (string, error) {
	if agent == "" {
		agent = "*"
	} else if err := CheckToken(agent); err != nil {
		return "", fmt.Errorf("agent id %w", err)
	}
	if monitor == "" {
		monitor = "*"
	} else if err := CheckToken(monitor); err != nil {
		return "", fmt.Errorf("monitor name %w", err)
	}
	return "results." + agent + "." + monitor, nil
}

// subject joins the parts; the agent's id is the only one that is not ours,
// and is second in every pattern.
func subject(first, agent, last string) (string, error) {
	if err := CheckToken(agent); err != nil {
		return "", fmt.Errorf("agent id %w", err)
	}
	return first + "." + agent + "." + last, nil
}

package broker

import (
	"time"

	"netmon/wire"

	"github.com/nats-io/nats.go/jetstream"
)

// historyKept is how many revisions of a monitor are kept: NATS's most.
const historyKept = 64

// monitorsStream is the stream under the bucket, by NATS's own naming.
const monitorsStream = "KV_" + wire.MonitorsBucket

// alertingStream is the one under the bucket of channels, rules and what else is saved
// beside the monitors.
const alertingStream = "KV_" + wire.AlertingBucket

// configsStream is the one under the object store of configurations.
const configsStream = "OBJ_" + wire.ConfigsBucket

// The streams in full. What the server fills in by itself is left out.
func resultsConfig(l Limits) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              wire.ResultsStream,
		Description:       "netmon: what agents measured, one JSON message for each run, on " + wire.AllResults + " (agent, monitor)",
		Subjects:          []string{wire.AllResults},
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardOld,
		MaxAge:            l.ResultsAge,
		MaxBytes:          l.ResultsBytes,
		MaxMsgsPerSubject: l.PerMonitor,
		MaxMsgSize:        wire.MaxStored, // with headers; the subject does not count
		Replicas:          l.Replicas,
		Duplicates:        2 * time.Minute,
		AllowDirect:       true,
		Compression:       jetstream.S2Compression, // a result of 826 bytes takes 110 to 140 on disk
	}
}

func agentsConfig(l Limits) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              wire.AgentsStream,
		Description:       "netmon: the last heartbeats of each agent, on " + wire.AllAlive,
		Subjects:          []string{wire.AllAlive},
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardOld,
		MaxAge:            24 * time.Hour,
		MaxMsgsPerSubject: heartbeatsKept,
		Replicas:          l.Replicas,
		AllowDirect:       true,
	}
}

// heartbeatsKept is how many heartbeats of an agent are kept: a controller that takes
// over sees when each was there meanwhile, and judges as the previous one would have.
const heartbeatsKept = 10

// auditConfig can be added to, and outlives what it reports.
func auditConfig(l Limits) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        wire.AuditStream,
		Description: "netmon: who changed what, one JSON message for each change, on " + wire.AllAudits,
		Subjects:    []string{wire.AllAudits},
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardOld,
		MaxAge:      auditAge,
		MaxBytes:    min(auditBytes, l.ResultsBytes/8),
		MaxMsgSize:  auditMessage,

		// So that one agent, whose key was stolen, cannot push out all that others did.
		MaxMsgsPerSubject: auditPerSubject,
		Replicas:          l.Replicas,
		AllowDirect:       true,
		DenyDelete:        true,
		DenyPurge:         true,
	}
}

// How long the audit is kept, and how much of it: at most an eighth of what
// results may take.
const (
	auditAge   = 365 * 24 * time.Hour
	auditBytes = 256 << 20
	// One message, and how many of one agent, or of the broker's own: a third of all.
	auditMessage    = 8 << 10
	auditPerSubject = 10_000
)

// verdictsConfig has no limit of age: the state of a monitor that has been up for a
// year is there. Checkpoints of the judge are in the same stream, since an atomic
// batch cannot span two; Nats-Rollup keeps one of each.
func verdictsConfig(l Limits) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               wire.VerdictsStream,
		Description:        "netmon: what the results mean, one JSON message for each change, on " + wire.AllVerdicts + "; and what the judge needs after a restart, on " + wire.AllJudge,
		Subjects:           []string{wire.AllVerdicts, wire.AllJudge},
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardOld,
		MaxBytes:           min(verdictsBytes, l.ResultsBytes/8),
		MaxMsgsPerSubject:  verdictsPerSubject,
		Replicas:           l.Replicas,
		AllowDirect:        true,
		AllowRollup:        true,
		AllowAtomicPublish: true,
		Compression:        jetstream.S2Compression,
	}
}

// How much is kept of what results mean: at most an eighth of what results may take.
const (
	verdictsBytes      = 256 << 20
	verdictsPerSubject = 1000
)

// incidentsConfig has no limit of age: an incident that has been open for a year is
// there. How far the leader is, is in the same stream, since an atomic batch cannot
// span two; Nats-Rollup keeps one message of that. What is open does not leave it: the
// leader writes it again in time.
func incidentsConfig(l Limits) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               wire.IncidentsStream,
		Description:        "netmon: what is wrong, one JSON message for each change, on " + wire.AllIncidents + "; what became of notices, on " + wire.AllDeliveries + "; and how far the leader is, on " + wire.AllKeeper,
		Subjects:           []string{wire.AllIncidents, wire.AllTroubles, wire.AllDeliveries, wire.AllChannels, wire.AllKeeper},
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardOld,
		MaxBytes:           share(l, incidentsBytes),
		MaxMsgsPerSubject:  incidentsPerSubject,
		Replicas:           l.Replicas,
		AllowDirect:        true,
		AllowRollup:        true,
		AllowAtomicPublish: true,
		Compression:        jetstream.S2Compression,
	}
}

// noticesConfig is a queue in which a newer notice of a channel about an incident
// replaces the previous one. A notice that was taken out is handled.
func noticesConfig(l Limits) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              wire.NoticesStream,
		Description:       "netmon: which channel is to be notified of which incident, on " + wire.AllNotices + ", until it is",
		Subjects:          []string{wire.AllNotices},
		Retention:         jetstream.WorkQueuePolicy,
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardOld,
		MaxBytes:          share(l, noticesBytes),
		MaxMsgsPerSubject: 1,
		Replicas:          l.Replicas,
		Duplicates:        wire.NoticeRepeats,
		AllowDirect:       true,
	}
}

// How much is kept of what is wrong: at most a sixteenth of what results may take, and
// room for a few of the largest incidents.
const (
	incidentsBytes      = 64 << 20
	incidentsPerSubject = 200
	noticesBytes        = 16 << 20
	leastShare          = 4 * wire.MaxIncident
)

func share(l Limits, most int64) int64 {
	if l.ResultsBytes == 0 {
		return 0 // an existing one stays as it is
	}
	return max(leastShare, min(most, l.ResultsBytes/16))
}

// historyConfig keeps closed hours for as long as people ask for them. A newer
// revision of an hour comes behind the previous one, which goes when it is old.
func historyConfig(l Limits) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              wire.HistoryStream,
		Description:       "netmon: closed hours of what agents measured, one message for each revision of an hour, on " + wire.AllHistory + " (monitor, agent)",
		Subjects:          []string{wire.AllHistory},
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardOld,
		MaxAge:            historyAge,
		MaxBytes:          min(historyBytes, l.ResultsBytes/4),
		MaxMsgsPerSubject: historyPerSubject,
		Replicas:          l.Replicas,
		AllowDirect:       true,
		Compression:       jetstream.S2Compression,
	}
}

// How much is kept of closed hours: at most a quarter of what results may take.
const (
	historyAge   = 2 * 366 * 24 * time.Hour
	historyBytes = 1 << 30
	// The hours of two years, and one in eight that was published again.
	historyPerSubject = 9 * 2 * 366 * 24 / 8
)

func monitorsConfig(l Limits) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket:      wire.MonitorsBucket,
		Description: "netmon: what should be measured and where, one key for each monitor, with its history",
		History:     historyKept,
		Storage:     jetstream.FileStorage,
		Replicas:    l.Replicas,
	}
}

func alertingConfig(l Limits) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket:      wire.AlertingBucket,
		Description: "netmon: who is notified of what, one key for each channel, rule, window, group, silence and acknowledgement, with its history",
		History:     historyKept,
		Storage:     jetstream.FileStorage,
		Replicas:    l.Replicas,
	}
}

func configsConfig(l Limits) jetstream.ObjectStoreConfig {
	return jetstream.ObjectStoreConfig{
		Bucket:      wire.ConfigsBucket,
		Description: "netmon: saved configurations, an object for each: a file of monitors, in pieces",
		Storage:     jetstream.FileStorage,
		Replicas:    l.Replicas,
	}
}

package access

import (
	"time"

	"github.com/nats-io/jwt/v2"

	"netmon/wire"
)

// answers is how an account answers what crosses to it by one export.
//
// For each request with a reply the server keeps an entry of some 350 bytes of heap
// (TestAnswers_Memory measures it). It goes with the one answer, if a single one
// is promised; with the asker's subscription; or once nothing came for within,
// which is read no more often than that.
// So a crossing that promises more than it needs is memory for whoever floods it.
type answers struct {
	several bool          // more than one message may come as the answer
	within  time.Duration // without a message for this long, the entry goes
}

const (
	// soon is what our own code and JetStream need at worst: handlers end after 5 s.
	soon = 10 * time.Second
	// answerWithin is for a probe on demand, which takes as long as it measures.
	answerWithin = 10 * time.Minute
	// notifyWithin is for a notice that somebody tries a channel with.
	notifyWithin = 2 * time.Minute
	// pullWithin is longer than a pull of nats.go waits (30 s), and than the
	// heartbeats of those that wait longer.
	pullWithin = time.Minute
)

// answersOf lists each export of a service, by the subject at which it arrives.
//
// nats-server 2.15.2 honours within only as the server starts: it sets 2 minutes
// for all exports of an account that is replaced in a running server
// (SetServiceExportResponseThreshold refuses accounts that have a JWT). An
// embedded server's MESH is never replaced, AGENTS is when an agent is shut out or
// changed its key. Bounds may rest on several, and on requests being answered, and
// not on within alone.
func answersOf() map[string]answers {
	one, many := answers{within: soon}, answers{several: true, within: soon}
	return map[string]answers{
		// Our own handlers answer once, or refuse once.
		"access.join":       one,
		"access.rotate.*":   one,
		"access.delegate.*": one,
		"access.claim.*":    one, // the broker gathers what the agents of the id say
		gateAccess + ".*":   one,
		gateSave + ".>":     one,
		gateSettings + ".>": one,
		gateSets + ".>":     one,
		gateConsumer + ".>": one,

		// To agents. Each has leave for one answer; of two with one id, the first counts.
		"agent.*.cmd": {within: answerWithin},
		askClaim:      {several: true, within: 2 * time.Second}, // each agent that has the id; see claimPatience
		"$SRV.>":      many,                                     // each agent

		gateReports + "." + wire.AllDeliveries: one,
		gateReports + "." + wire.AllChannels:   one,
		gateLease + ".*":                       one,

		// To the controllers: one of them answers.
		askHistory: one,

		// To notifiers: the one that has the channel answers when it has sent.
		"notify.*.cmd": {within: notifyWithin},

		// Acknowledgements of what is stored: the hot path. A stream on a full disk
		// does not answer, and agents send again after 5 s.
		"results.*.*":    one,
		"audit.*":        one,
		"agent.*.alive":  one, // sent without a reply
		"$O.configs.C.>": one,

		// JetStream's requests.
		"$JS.API.INFO":                one,
		"$JS.API.STREAM.NAMES":        one,
		"$JS.API.STREAM.LIST":         one,
		"$JS.API.STREAM.INFO.*":       one,
		"$JS.API.STREAM.MSG.GET.*":    one,
		"$JS.API.STREAM.PURGE.*":      one,
		"$JS.API.CONSUMER.INFO.>":     one,
		"$JS.API.CONSUMER.DELETE.>":   one,
		"$JS.FC.>":                    one,  // sent without a reply
		"$JS.ACK.NOTICES.>":           one,  // mostly sent without a reply
		"$JS.API.DIRECT.GET.>":        many, // a batch is read without a pause
		"$JS.API.CONSUMER.MSG.NEXT.>": {several: true, within: pullWithin},
	}
}

// set writes how an export is answered.
func (a answers) set(e *jwt.Export) {
	e.ResponseType, e.ResponseThreshold = jwt.ResponseTypeSingleton, a.within
	if a.several {
		e.ResponseType = jwt.ResponseTypeStream
	}
}

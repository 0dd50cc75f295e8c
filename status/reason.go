package status

import "netmon/wire"

// failureWords are reasons of failed runs for people who use the service. They say what
// happens, never where: no address, no name, no text of an error.
var failureWords = map[wire.Failure]string{
	wire.FailTimeout:     "it does not answer in time",
	wire.FailRefused:     "it refuses connections",
	wire.FailReset:       "it breaks off connections",
	wire.FailClosed:      "it breaks off connections",
	wire.FailUnreachable: "it cannot be reached",
	wire.FailNoSuchHost:  "its name cannot be looked up",
	wire.FailResolve:     "its name cannot be looked up",
	wire.FailDNSTimeout:  "its name cannot be looked up",
	wire.FailTLS:         "no secure connection to it can be made",
	wire.FailCertificate: "its certificate is not valid",
	wire.FailNoAnswer:    "it does not answer",
	wire.FailBadAnswer:   "it answers in a wrong way",
	wire.FailMismatch:    "it does not answer as it should",
	wire.FailSlow:        "it answers slowly",
	wire.FailWarning:     "a check warns of it",
	wire.FailCritical:    "it does not work as it should",
	wire.FailLoss:        "part of the traffic to it is lost",
	wire.FailTTLExceeded: "it cannot be reached",
}

// blameWords are the classes of blame in the same way; of the others nothing is said.
var blameWords = map[wire.BlameClass]string{
	wire.BlameParent: "something that it needs is down",
	wire.BlameDNS:    "its name cannot be looked up",
	wire.BlameTLS:    "no secure connection to it can be made",
	wire.BlameRegion: "it cannot be reached from some places",
	wire.BlamePath:   "it cannot be reached from some places",
}

// reasonOf is why a verdict is bad, "" where there is nothing to say.
func reasonOf(v *wire.Verdict) string {
	if v == nil || v.State == wire.VerdictUp || v.State == wire.VerdictPaused || v.State == wire.VerdictUnknown {
		return ""
	}
	if text := blamed(v.Blame); text != "" {
		return text
	}
	for i := range v.Evidence {
		if v.Evidence[i].Outcome == wire.Failed {
			return failureWords[v.Evidence[i].Failure]
		}
	}
	return ""
}

func blamed(b *wire.Blame) string {
	if b == nil {
		return ""
	}
	return blameWords[b.Class]
}

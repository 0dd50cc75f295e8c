package judge

import (
	"fmt"
	"strings"

	"netmon/internal/plural"
	"netmon/wire"
)

// phrase is a failure in words: "refused from 3 of 3 agents", "paris is refused",
// "paris and tokyo are refused".
type phrase struct{ noun, one, many string }

func phraseOf(f wire.Failure) phrase {
	be := func(what string) phrase { return phrase{what, "is " + what, "are " + what} }
	get := func(what, object string) phrase { return phrase{what, "gets " + object, "get " + object} }
	switch f {
	case wire.FailTimeout:
		return phrase{"timeout", "times out", "time out"}
	case wire.FailRefused:
		return be("refused")
	case wire.FailReset:
		return phrase{"connection reset", "has its connection reset", "have their connections reset"}
	case wire.FailClosed:
		return phrase{"connection closed", "has its connection closed", "have their connections closed"}
	case wire.FailUnreachable:
		return phrase{"unreachable", "cannot reach it", "cannot reach it"}
	case wire.FailNoSuchHost:
		return phrase{"no such host", "finds no such host", "find no such host"}
	case wire.FailResolve, wire.FailDNSTimeout:
		return phrase{"name lookup failed", "cannot look up its name", "cannot look up its name"}
	case wire.FailTLS:
		return phrase{"TLS handshake failed", "fails in the TLS handshake", "fail in the TLS handshake"}
	case wire.FailCertificate:
		return phrase{"bad certificate", "refuses its certificate", "refuse its certificate"}
	case wire.FailNoAnswer:
		return get("no answer", "no answer")
	case wire.FailBadAnswer:
		return get("bad answer", "a bad answer")
	case wire.FailMismatch:
		return get("unexpected answer", "an unexpected answer")
	case wire.FailSlow:
		return phrase{"slow", "finds it slow", "find it slow"}
	case wire.FailAnswered:
		return get("unwanted answer", "an answer, and none is wanted")
	case wire.FailLimit:
		return get("answer over a limit", "an answer over a limit")
	case wire.FailLoss:
		return phrase{"packet loss", "loses packets", "lose packets"}
	case wire.FailTTLExceeded:
		return phrase{"TTL exceeded", "finds that the TTL runs out", "find that the TTL runs out"}
	case wire.FailWarning:
		return phrase{"warning", "reports a warning", "report a warning"}
	case wire.FailCritical:
		return phrase{"critical", "finds it critical", "find it critical"}
	case wire.FailUnsynced:
		return phrase{"unsynchronised clock", "finds its clock unsynchronised", "find its clock unsynchronised"}
	case wire.FailWrongOrigin:
		return get("wrong origin", "an answer with the wrong origin")
	case wire.FailKissOfDeath:
		return get("kiss of death", "a kiss of death")
	case "":
		return phrase{"bad", "finds it bad", "find it bad"}
	}
	what := strings.ReplaceAll(wire.Clip(string(f), wire.MaxToken), "_", " ")
	return phrase{what, "finds: " + what, "find: " + what}
}

// mostNamed bounds the names in a sentence.
const mostNamed = 3

// names lists names as people do: paris, tokyo and oregon; of many the first.
func names(list []string) string {
	switch n := len(list); {
	case n == 0:
		return "nobody"
	case n == 1:
		return list[0]
	case n > mostNamed+1:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:mostNamed], ", "), n-mostNamed)
	default:
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
}

// agentsOf is "2 of 3 agents".
func agentsOf(n, all int) string {
	return fmt.Sprintf("%d of %d %s", n, all, plural.Of(all, "agent", "agents"))
}

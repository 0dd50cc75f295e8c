package wire

// Outcome says what a run found out.
type Outcome string

const (
	OK     Outcome = "ok"     // the target did what was expected
	Failed Outcome = "failed" // the target did not
	Broken Outcome = "broken" // the agent could not measure: nothing is known of the target
)

// Failure is the reason of a run that is not ok: one of a closed set.
// A reader that meets another one, from a newer agent, shows it as it is.
type Failure string

const (
	FailTimeout      Failure = "timeout"
	FailRefused      Failure = "refused"
	FailReset        Failure = "reset"
	FailClosed       Failure = "closed"
	FailUnreachable  Failure = "unreachable"
	FailNoSuchHost   Failure = "no_such_host"
	FailResolve      Failure = "resolve_failed"
	FailDNSTimeout   Failure = "dns_timeout"
	FailTLS          Failure = "tls"
	FailCertificate  Failure = "certificate"
	FailNoAnswer     Failure = "no_answer"
	FailBadAnswer    Failure = "bad_answer"
	FailMismatch     Failure = "mismatch"
	FailSlow         Failure = "slow"
	FailAnswered     Failure = "answered"
	FailLimit        Failure = "limit"
	FailLoss         Failure = "loss"
	FailTTLExceeded  Failure = "ttl_exceeded"
	FailWarning      Failure = "warning"
	FailCritical     Failure = "critical"
	FailUnsynced     Failure = "unsynchronised"
	FailWrongOrigin  Failure = "wrong_origin"
	FailKissOfDeath  Failure = "kiss_of_death"
	BrokenPermission Failure = "permission"
	BrokenLocal      Failure = "local"
	BrokenSecret     Failure = "secret"
	BrokenPolicy     Failure = "policy"
	BrokenProxy      Failure = "proxy"
	BrokenNoRoute    Failure = "no_route"
	BrokenResolver   Failure = "resolver"
	BrokenClock      Failure = "clock"
	BrokenProgram    Failure = "program"
	BrokenInternal   Failure = "internal"
)

// FailureDoc is one row of the closed set.
type FailureDoc struct {
	Failure Failure
	Outcome Outcome
	Meaning string
}

// Failures is the closed set, in the order in which subjects.md shows it.
var Failures = []FailureDoc{
	{FailTimeout, Failed, "no end within the monitor's timeout, after the target had begun to answer or while connecting"},
	{FailRefused, Failed, "connection refused, or ICMP port unreachable for UDP"},
	{FailReset, Failed, "the connection was reset"},
	{FailClosed, Failed, "the target closed the connection before the answer was complete"},
	{FailUnreachable, Failed, "ICMP network, host or protocol unreachable or prohibited, or a neighbour that does not answer (ARP, NDP): a packet left the agent's host, see `no_route`"},
	{FailNoSuchHost, Failed, "the target's name does not exist, or has no address of the family asked for"},
	{FailResolve, Failed, "the resolver answered that it could not look up the target's name, such as SERVFAIL"},
	{FailDNSTimeout, Failed, "the resolver did not answer for the target's name, and answered for others meanwhile: the servers of that name are silent; see `resolver`"},
	{FailTLS, Failed, "the TLS handshake failed"},
	{FailCertificate, Failed, "the certificate is expired, not yet valid, for another name or not trusted"},
	{FailNoAnswer, Failed, "nothing came back: with UDP and ICMP a lost packet and a silent target look the same"},
	{FailBadAnswer, Failed, "an answer that breaks its protocol, or is not for our question"},
	{FailMismatch, Failed, "an answer, but not the expected one; `unmet` lists each expectation"},
	{FailSlow, Failed, "as expected, but not within the `within` of the monitor"},
	{FailAnswered, Failed, "an answer where the monitor wants none (`invert`)"},
	{FailLimit, Failed, "the answer is over a limit: bytes, redirects, decompressed size, records"},
	{FailLoss, Failed, "more packets lost than the monitor allows"},
	{FailTTLExceeded, Failed, "ICMP time exceeded: the packet's TTL or hop limit ran out on the way"},
	{FailWarning, Failed, "exec: the program reports WARNING (exit code 1)"},
	{FailCritical, Failed, "exec: the program reports CRITICAL (exit code 2)"},
	{FailUnsynced, Failed, "NTP: the server says that its clock is not synchronised (leap 3, stratum 0 or 16)"},
	{FailWrongOrigin, Failed, "NTP: the origin timestamp is not the one that was sent"},
	{FailKissOfDeath, Failed, "NTP: the server asks to stop or to slow down (kiss code)"},
	{BrokenPermission, Broken, "the agent lacks a permission; the error says which and how to give it"},
	{BrokenLocal, Broken, "the agent's host ran out of something, or lacks the source address or interface, or one of the family that is wanted"},
	{BrokenSecret, Broken, "a secret that the monitor names could not be read, or is at a place that the agent's policy does not list"},
	{BrokenPolicy, Broken, "the agent's policy forbids this target"},
	{BrokenProxy, Broken, "the monitor's proxy did not answer, or refused to do its part: nothing is known of the target"},
	{BrokenNoRoute, Broken, "the agent's host has no route to the target: its interface is down, its default route is lost, it has no address of the family, or a route forbids it; no packet was sent"},
	{BrokenResolver, Broken, "the resolver cannot be reached, or answers no queries: nothing is known of the target"},
	{BrokenClock, Broken, "the agent's clock differs from the broker's, and the certificate is valid by one of them alone"},
	{BrokenProgram, Broken, "exec: the program is not there or cannot be started, did not end within the timeout, was killed, or reports UNKNOWN (exit code 3) or another code that is no verdict: nothing is known of the target"},
	{BrokenInternal, Broken, "a fault of the probe itself, such as a panic"},
}

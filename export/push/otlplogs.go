package push

import (
	"strconv"

	"netmon/wire"
)

// severities are those of OpenTelemetry's logs, by state.
var severities = map[wire.VerdictState]struct {
	number uint64
	text   string
}{
	wire.VerdictUp: {9, "INFO"}, wire.VerdictPaused: {9, "INFO"}, wire.VerdictDegraded: {13, "WARN"},
	wire.VerdictUnknown: {13, "WARN"}, wire.VerdictDown: {17, "ERROR"},
}

// logs is the request for /v1/logs: a record for each change of a verdict.
func (o *otlpEncoder) logs(b *Batch) []byte {
	scope := append([]byte(nil), o.scope...)
	records := 0
	for i := range b.Verdicts {
		if v := b.Verdicts[i].Change; v != nil {
			scope = appendBytes(scope, 2, logRecord(v))
			records++
		}
	}
	if records == 0 {
		return nil
	}
	return appendBytes(nil, 1, appendBytes(appendBytes(nil, 1, resourceOf("")), 2, scope))
}

func logRecord(v *wire.Verdict) []byte {
	severity, ok := severities[v.State]
	if !ok {
		severity = severities[wire.VerdictUnknown]
	}
	body := v.Monitor + " is " + string(v.State)
	if v.Why != "" {
		body += ": " + v.Why
	}
	r := appendFixed(nil, 1, uint64(v.At.UnixNano()))
	r = appendVarint(r, 2, severity.number)
	r = appendString(r, 3, severity.text)
	r = appendBytes(r, 5, appendString(nil, 1, body))
	for _, a := range [][2]string{{"monitor", v.Monitor}, {"state", string(v.State)}, {"was", string(v.Was)}, {"incident", v.Incident},
		{"since", v.Since.UTC().Format("2006-01-02T15:04:05.999999999Z07:00")}, {"n", strconv.FormatUint(v.N, 10)}} {
		if a[1] != "" {
			r = attribute(r, 6, a[0], a[1])
		}
	}
	if v.Blame != nil {
		r = attribute(attribute(r, 6, "blame", string(v.Blame.Class)), 6, "blame.why", v.Blame.Why)
	}
	r = appendFixed(r, 11, uint64(v.At.UnixNano()))
	return appendString(r, 12, "netmon.verdict")
}

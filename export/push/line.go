package push

import (
	"math"
	"strconv"
	"strings"

	"netmon/export"
	"netmon/probes"
)

// The measurements in InfluxDB.
const (
	resultMeasurement  = "netmon_result"
	verdictMeasurement = "netmon_verdict"
)

// timeSample is the sample that says when a result was measured.
const timeSample = "netmon_result_timestamp_seconds"

// lineEncoder makes line protocol. It reuses what it can.
type lineEncoder struct {
	reader  *export.Reader
	series  *cache[lineSeries]
	samples []export.Sample
	lines   []byte
}

// lineSeries is the beginning of the lines of a monitor on an agent, and its fields.
type lineSeries struct {
	head []byte
	slots[lineField]
}

// lineField is a field up to its value; all of it where the value is a text.
type lineField struct {
	head  []byte
	whole bool
}

func newLineEncoder(kinds probes.List, tags *Tags) lineEncoder {
	return lineEncoder{reader: export.NewReader(kinds), series: newCache(tags, func(l export.Labels) lineSeries { return lineSeries{head: lineHead(l)} })}
}

// encode is a batch as lines, valid until the next call. A result is one point, with its
// samples as fields.
func (l *lineEncoder) encode(b *Batch) []byte {
	l.series.begin(b)
	l.lines = l.lines[:0]
	for _, r := range b.Results {
		of := l.series.of(r)
		l.samples = l.reader.Samples(l.samples[:0], &r.Result)
		start := len(l.lines)
		l.lines = append(l.lines, of.head...)
		sign := byte(' ')
		for i := range l.samples {
			s := &l.samples[i]
			if math.IsNaN(s.Number) || math.IsInf(s.Number, 0) || s.Name == timeSample {
				continue // the protocol has none; the time is that of the point
			}
			f := of.of(i, s, newLineField)
			l.lines = append(append(l.lines, sign), f.head...)
			if !f.whole {
				l.lines = strconv.AppendFloat(l.lines, s.Number, 'g', -1, 64)
			}
			sign = ','
		}
		if sign == ' ' { // a point has a field
			l.lines = l.lines[:start]
			continue
		}
		l.end(r.Started.UnixNano())
	}
	for i := range b.Verdicts {
		l.verdict(&b.Verdicts[i])
	}
	return l.lines
}

func (l *lineEncoder) end(at int64) {
	l.lines = append(l.lines, ' ')
	l.lines = strconv.AppendInt(l.lines, at, 10)
	l.lines = append(l.lines, '\n')
}

func (l *lineEncoder) verdict(v *Verdict) {
	l.lines = append(l.lines, verdictMeasurement+",monitor="...)
	l.lines = append(l.lines, escapeKey(v.Monitor)...)
	l.lines = append(l.lines, " state="...)
	l.lines = appendLineText(l.lines, string(v.State))
	for _, state := range verdictStates(v.State) {
		l.lines = append(append(append(l.lines, ','), escapeKey(string(state))...), "=0"...)
		if state == v.State {
			l.lines[len(l.lines)-1] = '1'
		}
	}
	l.end(v.At.UnixNano())
}

// lineHead is the measurement with its tags.
func lineHead(labels export.Labels) []byte {
	b := []byte(resultMeasurement)
	for _, l := range labels {
		if l.Value != "" {
			b = append(append(append(append(b, ','), escapeKey(l.Name)...), '='), escapeKey(l.Value)...)
		}
	}
	return b
}

// newLineField names the field of a sample: by the value of its label, such as
// probe_http_duration_seconds_connect; or one with a text, where only that matters, such
// as probe_tls_version_info_version.
func newLineField(s *export.Sample) *lineField {
	switch {
	case s.Label == "":
		return &lineField{head: []byte(escapeKey(s.Name) + "=")}
	case strings.HasSuffix(s.Name, "_info"):
		return &lineField{head: appendLineText([]byte(escapeKey(s.Name+"_"+s.Label)+"="), s.Value), whole: true}
	}
	return &lineField{head: []byte(escapeKey(s.Name+"_"+s.Value) + "=")}
}

// keyEscapes are those of tags and of the names of fields. A line break cannot be escaped
// there, and a backslash at the end would escape what follows.
var keyEscapes = strings.NewReplacer(",", `\,`, "=", `\=`, " ", `\ `, "\n", `\ `, "\r", `\ `, "\t", `\ `, "\x00", "")

func escapeKey(s string) string {
	s = keyEscapes.Replace(strings.ToValidUTF8(s, "\uFFFD"))
	if strings.HasSuffix(s, `\`) {
		s += `\ ` // a space, as nothing else may follow
	}
	if s == "" {
		return "_"
	}
	return s
}

// appendLineText appends a text as the value of a field.
func appendLineText(b []byte, s string) []byte {
	b = append(b, '"')
	for _, c := range []byte(strings.ToValidUTF8(s, "\uFFFD")) {
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n', '\r', 0:
			b = append(b, ' ')
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

package export

import (
	"math"
	"strings"
	"time"
)

// Type is what a family is.
type Type uint8

// The types. What only says something in its labels is a gauge of 1.
const (
	Gauge Type = iota
	Counter
	Histogram
)

// family is a metric's name, with what is said of it.
type family struct {
	name, help string
	kind       Type
	scale      scale
}

// Writer writes families of samples in one format. It is not safe for concurrent use.
//
// The samples of a family follow its name; a family without samples is not written.
type Writer struct {
	format Format
	b      []byte
	body   []byte // of the family, in Protobuf
	family family
	named  bool   // the family's head is written
	labels []byte // room for what is written at once, as the others
	extra  []byte
	inner  []byte
	part   []byte
	id     []byte
}

// NewWriter writes behind b, which may be nil.
func NewWriter(f Format, b []byte) *Writer { return &Writer{format: f, b: b} }

// Reset has the writer begin again in this format. What Bytes returned is written over.
func (w *Writer) Reset(f Format) {
	w.format, w.b, w.body, w.named = f, w.b[:0], w.body[:0], false
}

// Format is the writer's.
func (w *Writer) Format() Format { return w.format }

// Family begins a family. The name of a counter ends in _total; help is a sentence.
func (w *Writer) Family(name, help string, t Type) { w.begin(family{name, labelText(help), t, ones}) }

// Sample is a sample of the family: of a gauge or a counter. What is not a number is none.
func (w *Writer) Sample(l Labels, number float64) {
	if math.IsNaN(number) {
		return
	}
	if w.format == Protobuf {
		w.labels = appendProtoLabels(w.labels[:0], l)
		w.protoSample(w.labels, nil, number)
		return
	}
	w.labels = appendTextLabels(w.labels[:0], l)
	w.textSample(w.labels, nil, number)
}

// Bytes ends the last family, and what is written.
func (w *Writer) Bytes() []byte {
	w.end()
	if w.format == OpenMetrics {
		w.b = append(w.b, "# EOF\n"...)
	}
	return w.b
}

func (w *Writer) begin(f family) {
	w.end()
	w.family, w.named = f, false
}

func (w *Writer) end() {
	if w.format == Protobuf && w.named {
		w.b = appendVarint(w.b, uint64(len(w.body)))
		w.b = append(w.b, w.body...)
	}
	w.body, w.named = w.body[:0], false
}

// head writes what is said of a family, before its first sample.
func (w *Writer) head() {
	if w.named {
		return
	}
	w.named = true
	if w.format == Protobuf {
		w.body = appendProtoHead(w.body, &w.family)
		return
	}
	name := w.family.name
	if w.format == OpenMetrics {
		name = strings.TrimSuffix(name, "_total")
	}
	w.b = append(append(append(w.b, "# HELP "...), name...), ' ')
	w.b = appendEscaped(w.b, w.family.help, w.format == OpenMetrics)
	w.b = append(append(append(w.b, "\n# TYPE "...), name...), [...]string{Gauge: " gauge\n", Counter: " counter\n", Histogram: " histogram\n"}[w.family.kind]...)
}

// textSample writes a line. extra are labels behind the others.
func (w *Writer) textSample(labels, extra []byte, number float64) {
	w.head()
	b := append(w.b, w.family.name...)
	if len(labels)+len(extra) > 0 {
		b = append(append(b, '{'), labels...)
		if len(labels) > 0 && len(extra) > 0 {
			b = append(b, ',')
		}
		b = append(append(b, extra...), '}')
	}
	b = append(b, ' ')
	w.b = append(appendNumber(b, number, w.family.scale), '\n')
}

// appendTextLabels writes labels as they are between braces.
func appendTextLabels(b []byte, l Labels) []byte {
	for i, x := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTextLabel(b, x.Name, labelText(x.Value))
	}
	return b
}

func appendTextLabel(b []byte, name, value string) []byte {
	b = append(append(b, name...), '=', '"')
	return append(appendEscaped(b, value, true), '"')
}

// appendEscaped writes s so that it stays in its line, and between its quotes.
func appendEscaped[T string | []byte](b []byte, s T, quotes bool) []byte {
	from := 0
	for i := range len(s) {
		c := s[i]
		if c != '\\' && c != '\n' && (c != '"' || !quotes) {
			continue
		}
		b = append(b, s[from:i]...)
		if c == '\n' {
			c = 'n'
		}
		b = append(b, '\\', c)
		from = i + 1
	}
	return append(b, s[from:]...)
}

// appendSeconds writes a moment in seconds since 1970.
func appendSeconds(b []byte, t time.Time) []byte {
	return appendDecimal(b, t.UnixMicro(), 1e6)
}

package export

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// boundLabels are the upper ends of the classic buckets as labels: with a point, as OpenMetrics has
// them and Prometheus keeps them, so that a series has one name whatever the format.
var boundLabels = func() (out [classics + 1][]byte) {
	for i := range out {
		text := "+Inf"
		if i < classics {
			text = strconv.FormatFloat(classicBounds[i], 'g', -1, 64)
			if !strings.ContainsAny(text, ".e") {
				text += ".0"
			}
		}
		out[i] = appendTextLabel(nil, "le", text)
	}
	return out
}()

// mostExemplar is the characters that the labels of an exemplar may have (OpenMetrics 1.0.0).
const mostExemplar = 128

const exemplarLabel = "result_id"

// histogram writes one. What was not counted yet is 0, so that the difference to another count is
// one, too.
func (w *Writer) histogram(l *rendered, h *histogram, agent string) {
	w.head()
	if w.format == Protobuf {
		w.protoHistogram(l, h, agent)
		return
	}
	name, sum := w.family.name, uint64(0)
	exemplars := h.exemplars
	for i, n := range h.classic {
		sum += n
		w.b = append(append(append(append(append(w.b, name...), "_bucket{"...), l.text...), ','), boundLabels[i]...)
		w.b = strconv.AppendUint(append(w.b, "} "...), sum, 10)
		if len(exemplars) > 0 && exemplars[0].bucket == i {
			w.textExemplar(&exemplars[0], agent)
			exemplars = exemplars[1:]
		}
		w.b = append(w.b, '\n')
	}
	w.b = append(append(append(append(w.b, name...), "_sum{"...), l.text...), "} "...)
	w.b = appendNumber(w.b, h.sum, nanos)
	w.b = append(append(append(append(w.b, '\n'), name...), "_count{"...), l.text...)
	w.b = append(strconv.AppendUint(append(w.b, "} "...), h.count, 10), '\n')
}

func (w *Writer) textExemplar(e *exemplar, agent string) {
	w.id = e.appendID(w.id[:0], agent)
	if utf8.RuneCount(w.id)+len(exemplarLabel) > mostExemplar {
		return
	}
	w.b = append(append(append(w.b, " # {"...), exemplarLabel...), `="`...)
	w.b = appendEscaped(w.b, w.id, true)
	w.b = appendDecimal(append(w.b, `"} `...), e.ns, 1e9)
	w.b = appendSeconds(append(w.b, ' '), e.at)
}

// The fields of Histogram, Bucket, BucketSpan and Exemplar, as their tags.
const (
	histogramCount, histogramSum, histogramBucket           = 1 << 3, 2<<3 | 1, 3<<3 | 2
	histogramSchema, histogramThreshold, histogramZero      = 5 << 3, 6<<3 | 1, 7 << 3
	histogramSpan, histogramDelta                           = 12<<3 | 2, 13<<3 | 2
	bucketCount, bucketBound, bucketExemplar                = 1 << 3, 2<<3 | 1, 3<<3 | 2
	spanOffset, spanLength                                  = 1 << 3, 2 << 3
	exemplarLabels, exemplarValue, exemplarTime        byte = 1<<3 | 2, 2<<3 | 1, 3<<3 | 2
)

// protoHistogram writes a Metric with a Histogram: native and classic, of which a reader takes
// the one that it knows.
func (w *Writer) protoHistogram(l *rendered, h *histogram, agent string) {
	b := appendVarint(append(w.inner[:0], histogramCount), h.count)
	b = appendDouble(b, histogramSum, h.sum/1e9)
	sum := uint64(0)
	exemplars := h.exemplars
	for i, n := range h.classic[:classics] {
		sum += n
		w.part = appendVarint(append(w.part[:0], bucketCount), sum)
		w.part = appendDouble(w.part, bucketBound, classicBounds[i])
		if len(exemplars) > 0 && exemplars[0].bucket == i {
			w.part = w.appendProtoExemplar(w.part, &exemplars[0], agent)
			exemplars = exemplars[1:]
		}
		b = appendBytes(b, histogramBucket, w.part)
	}
	if len(exemplars) > 0 { // of +Inf, whose bucket is there for it alone
		w.part = appendVarint(append(w.part[:0], bucketCount), h.count)
		w.part = appendDouble(w.part, bucketBound, math.Inf(1))
		w.part = w.appendProtoExemplar(w.part, &exemplars[0], agent)
		b = appendBytes(b, histogramBucket, w.part)
	}
	schema := h.schema
	if len(h.native) == 0 && h.count == h.zero {
		schema = finest
	}
	b = appendSigned(append(b, histogramSchema), int64(schema))
	b = appendDouble(b, histogramThreshold, zeroThreshold)
	b = appendVarint(append(b, histogramZero), h.zero)
	b = w.appendNative(b, h)
	w.inner = b

	labels := l.protobuf()
	size := len(labels) + 1 + varintLen(len(b)) + len(b)
	w.body = appendVarint(append(w.body, familyMetric), uint64(size))
	w.body = appendBytes(append(w.body, labels...), metricHistogram, b)
}

// appendNative writes the native buckets: spans of neighbours, and the difference of each count
// to its neighbour's. A gap of up to two empty buckets is cheaper than a span.
func (w *Writer) appendNative(b []byte, h *histogram) []byte {
	deltas := w.part[:0]
	begin, end := -1, 0 // of the span that is being made, in h.native
	last, before := 0, int64(0)
	span := func() {
		offset := int64(begin - last)
		if last == 0 {
			offset = int64(h.offset) + int64(begin)
		}
		w.labels = appendSigned(append(w.labels[:0], spanOffset), offset)
		w.labels = appendVarint(append(w.labels, spanLength), uint64(end-begin))
		b = appendBytes(b, histogramSpan, w.labels)
		last = end
	}
	for i, n := range h.native {
		if n == 0 {
			continue
		}
		if begin >= 0 && i-end > 2 {
			span()
			begin = -1
		}
		if begin < 0 {
			begin, end = i, i
		}
		for ; end < i; end++ {
			deltas = appendSigned(deltas, -before)
			before = 0
		}
		deltas = appendSigned(deltas, int64(n)-before)
		before, end = int64(n), i+1
	}
	switch {
	case begin >= 0:
		span()
		b = appendBytes(b, histogramDelta, deltas)
	default: // a span without buckets: so that it is a native histogram
		b = appendBytes(b, histogramSpan, []byte{spanOffset, 0, spanLength, 0})
	}
	w.part = deltas
	return b
}

func (w *Writer) appendProtoExemplar(b []byte, e *exemplar, agent string) []byte {
	w.id = e.appendID(w.id[:0], agent)
	if utf8.RuneCount(w.id)+len(exemplarLabel) > mostExemplar {
		return b
	}
	m := appendProtoLabel(w.extra[:0], exemplarLabels, exemplarLabel, w.id)
	m = appendDouble(m, exemplarValue, float64(e.ns)/1e9)
	w.extra = appendProtoTime(m, exemplarTime, e.at)
	return appendBytes(b, bucketExemplar, w.extra)
}

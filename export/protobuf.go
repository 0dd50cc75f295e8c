package export

import (
	"encoding/binary"
	"math"
	"time"
)

// The fields of io.prometheus.client, as their tags: number<<3 | wire type.
const (
	familyName, familyHelp, familyType, familyMetric         = 1<<3 | 2, 2<<3 | 2, 3 << 3, 4<<3 | 2
	metricLabel, metricGauge, metricCounter, metricHistogram = 1<<3 | 2, 2<<3 | 2, 3<<3 | 2, 7<<3 | 2
	labelName, labelValue                                    = 1<<3 | 2, 2<<3 | 2
	numberValue                                              = 1<<3 | 1
	protoCounterType, protoGaugeType, protoHistogramType     = 0, 1, 4
)

func appendVarint(b []byte, n uint64) []byte { return binary.AppendUvarint(b, n) }

func appendSigned(b []byte, n int64) []byte { return binary.AppendVarint(b, n) } // zigzag

func appendDouble(b []byte, tag byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, tag), math.Float64bits(f))
}

func appendBytes[T string | []byte](b []byte, tag byte, s T) []byte {
	return append(appendVarint(append(b, tag), uint64(len(s))), s...)
}

func appendProtoHead(b []byte, f *family) []byte {
	b = appendBytes(b, familyName, f.name)
	b = appendBytes(b, familyHelp, f.help)
	return append(b, familyType, [...]byte{Gauge: protoGaugeType, Counter: protoCounterType, Histogram: protoHistogramType}[f.kind])
}

// appendProtoLabels writes labels as they are in a Metric.
func appendProtoLabels(b []byte, l Labels) []byte {
	for _, x := range l {
		b = appendProtoLabel(b, metricLabel, x.Name, labelText(x.Value))
	}
	return b
}

func appendProtoLabel[T string | []byte](b []byte, tag byte, name string, value T) []byte {
	size := 1 + varintLen(len(name)) + len(name) + 1 + varintLen(len(value)) + len(value)
	b = appendVarint(append(b, tag), uint64(size))
	b = appendBytes(b, labelName, name)
	return appendBytes(b, labelValue, value)
}

// varintLen is how many bytes a length takes.
func varintLen(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// protoSample writes a Metric with a Gauge or a Counter.
func (w *Writer) protoSample(labels, extra []byte, number float64) {
	w.head()
	const value = 9 // a tag and a double
	b := appendVarint(append(w.body, familyMetric), uint64(len(labels)+len(extra)+2+value))
	b = append(append(b, labels...), extra...)
	tag := byte(metricGauge)
	if w.family.kind == Counter {
		tag = metricCounter
	}
	w.body = appendDouble(append(b, tag, value), numberValue, w.family.scale.float(number))
}

// appendProtoTime writes a google.protobuf.Timestamp.
func appendProtoTime(b []byte, tag byte, t time.Time) []byte {
	var at [2 * binary.MaxVarintLen64]byte
	m := appendVarint(append(at[:0], 1<<3), uint64(max(t.Unix(), 0)))
	m = appendVarint(append(m, 2<<3), uint64(t.Nanosecond()))
	return appendBytes(b, tag, m)
}

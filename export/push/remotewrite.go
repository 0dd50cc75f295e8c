package push

import (
	"context"
	"encoding/binary"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"

	"netmon/export"
	"netmon/probes"
	"netmon/wire"
)

// verdictMetric has a series for each state of a monitor, which is 0 or 1.
const verdictMetric = "netmon_verdict"

// remoteWrite sends by Prometheus' remote write 1.0.
type remoteWrite struct {
	*receiver
	encoder writeEncoder
}

// RemoteWrite is a destination that takes Prometheus' remote write 1.0.
func RemoteWrite(e Endpoint, kinds probes.List, tags *Tags) (Destination, error) {
	r, err := newReceiver(e, "Bearer", "/api/v1/write", "http://127.0.0.1:9090/api/v1/write")
	if err != nil {
		return Destination{}, err
	}
	return Destination{Name: "remote write to " + r.name, File: r.file("remote-write"), Sink: &remoteWrite{receiver: r, encoder: newWriteEncoder(kinds, tags)},
		Most: 500, Every: time.Second, Repeats: true, Warning: r.warning()}, nil
}

var writeHeader = http.Header{
	"Content-Type":                      {"application/x-protobuf"},
	"Content-Encoding":                  {"snappy"},
	"X-Prometheus-Remote-Write-Version": {"0.1.0"},
}

func (w *remoteWrite) Send(ctx context.Context, b *Batch) error {
	body := w.encoder.encode(b)
	if len(body) == 0 {
		return nil
	}
	return w.write(ctx, body)
}

// ping writes no series.
func (w *remoteWrite) ping(ctx context.Context) error { return w.write(ctx, s2.EncodeSnappy(nil, nil)) }

func (w *remoteWrite) write(ctx context.Context, body []byte) error {
	a, err := w.post(ctx, w.url, writeHeader, body)
	if err != nil {
		return err
	}
	return a.err()
}

// point is a value at a moment, in milliseconds.
type point struct {
	at    int64
	value float64
}

// timeSeries are the points of one series in a batch.
type timeSeries struct {
	labels []byte // encoded
	points []point

	result uint64 // the last one that has it, as the encoder counts them
	live   bool   // the last result that was looked at has it
	ended  int64  // when it was last marked as ended, milliseconds
}

// staleNaN marks, for Prometheus, that a series ended: else its last value holds for five
// minutes, such as that of probe_success where a run is broken.
var staleNaN = math.Float64frombits(0x7ff0000000000002)

// writeEncoder makes requests. It reuses what it can.
type writeEncoder struct {
	reader   *export.Reader
	series   *cache[writeSeries]
	verdicts map[seriesKey]*timeSeries // by monitor and state

	samples     []export.Sample
	results     uint64 // that were encoded
	used        []*timeSeries
	plain, body []byte
}

// writeSeries are the time series of a monitor on an agent.
type writeSeries struct {
	labels export.Labels
	slots[timeSeries]
}

func newWriteEncoder(kinds probes.List, tags *Tags) writeEncoder {
	return writeEncoder{reader: export.NewReader(kinds), verdicts: map[seriesKey]*timeSeries{},
		series: newCache(tags, func(l export.Labels) writeSeries { return writeSeries{labels: l} })}
}

// encode is a batch as a compressed request, valid until the next call; empty where
// nothing in it is a sample.
func (w *writeEncoder) encode(b *Batch) []byte {
	w.series.begin(b)
	w.used = w.used[:0]
	for _, r := range b.Results {
		of := w.series.of(r)
		w.results++
		at := r.Started.UnixMilli()
		w.samples = w.reader.Samples(w.samples[:0], &r.Result)
		for i := range w.samples {
			s := &w.samples[i]
			to := of.of(i, s, of.make)
			w.add(to, point{at, s.Number})
			to.result, to.live = w.results, true
		}
		w.end(of, at)
	}
	if len(w.verdicts) > seriesMost {
		clear(w.verdicts)
	}
	for i := range b.Verdicts {
		w.addVerdict(&b.Verdicts[i])
	}
	if len(w.used) == 0 {
		return nil
	}
	w.plain = w.plain[:0]
	for _, s := range w.used {
		w.plain = s.appendTo(w.plain)
		s.points = s.points[:0]
	}
	w.body = s2.EncodeSnappy(w.body[:cap(w.body)], w.plain)
	return w.body
}

// end marks what the result before has and this one lacks, also in another try.
func (w *writeEncoder) end(of *writeSeries, at int64) {
	for i := range of.list {
		if s := of.list[i].own; s.result != w.results && (s.live || s.ended == at) {
			w.add(s, point{at, staleNaN})
			s.live, s.ended = false, at
		}
	}
}

func (w *writeEncoder) add(to *timeSeries, p point) {
	if len(to.points) == 0 {
		w.used = append(w.used, to)
	}
	to.points = append(to.points, p)
	for i := len(to.points) - 1; i > 0 && to.points[i].at < to.points[i-1].at; i-- { // a late result
		to.points[i], to.points[i-1] = to.points[i-1], to.points[i]
	}
}

func (w *writeEncoder) addVerdict(v *Verdict) {
	at := v.At.UnixMilli()
	for _, state := range verdictStates(v.State) {
		key := seriesKey{v.Monitor, string(state)}
		s := w.verdicts[key]
		if s == nil {
			s = &timeSeries{labels: appendLabels(nil, verdictMetric, export.Labels{{Name: "monitor", Value: v.Monitor}, {Name: "state", Value: string(state)}})}
			w.verdicts[key] = s
		}
		number := 0.0
		if state == v.State {
			number = 1
		}
		w.add(s, point{at, number})
	}
}

// verdictStates are all states, also one of a newer judge.
func verdictStates(is wire.VerdictState) []wire.VerdictState {
	if is == "" || slices.Contains(wire.VerdictStates, is) {
		return wire.VerdictStates
	}
	return append(slices.Clone(wire.VerdictStates), is)
}

func (s *writeSeries) make(of *export.Sample) *timeSeries {
	return &timeSeries{labels: appendLabels(nil, of.Name, withLabel(s.labels, of))}
}

// withLabel adds the label of a sample, in order.
func withLabel(l export.Labels, of *export.Sample) export.Labels {
	if of.Label == "" {
		return l
	}
	at, there := slices.BinarySearchFunc(l, of.Label, func(l export.Label, name string) int { return strings.Compare(l.Name, name) })
	if there {
		return l
	}
	return slices.Insert(slices.Clone(l), at, export.Label{Name: of.Label, Value: of.Value})
}

// appendLabels appends labels as a TimeSeries has them: sorted, without empty ones.
func appendLabels(b []byte, name string, l export.Labels) []byte {
	one := func(name, value string) {
		if value == "" {
			return
		}
		size := 2 + uvarintLen(uint64(len(name))) + len(name) + uvarintLen(uint64(len(value))) + len(value)
		b = binary.AppendUvarint(appendTag(b, 1, wireBytes), uint64(size))
		b = appendString(appendString(b, 1, name), 2, value)
	}
	one("__name__", name)
	for _, x := range l {
		one(x.Name, x.Value)
	}
	return b
}

// appendTo appends a series as a field of the request.
func (s *timeSeries) appendTo(b []byte) []byte {
	size := len(s.labels)
	for i := range s.points {
		size += 2 + sampleSize(s.points[i].at)
	}
	b = append(b, 1<<3|wireBytes)
	b = binary.AppendUvarint(b, uint64(size))
	b = append(b, s.labels...)
	for _, p := range s.points {
		b = append(b, 2<<3|wireBytes, byte(sampleSize(p.at)), 1<<3|wireFixed64)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.value))
		b = append(b, 2<<3|wireVarint)
		b = binary.AppendUvarint(b, uint64(p.at))
	}
	return b
}

// sampleSize is how many bytes a sample takes; it is below 128.
func sampleSize(at int64) int { return 1 + 8 + 1 + uvarintLen(uint64(at)) }

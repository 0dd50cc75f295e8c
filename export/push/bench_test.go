package push

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"netmon/internal/cputime"
	"netmon/probes/kinds"
	"netmon/wire"
)

// benchBatch is what 300 series send in so many rounds: https, icmp and dns, as in their golden
// results.
func benchBatch(b testing.TB, rounds int) *Batch {
	b.Helper()
	var kept []wire.Result
	for _, kind := range []string{"http/testdata/https", "icmp/testdata/icmp", "dns/testdata/dns"} {
		data, err := os.ReadFile("../../probes/kinds/" + kind + ".golden.json")
		var r wire.Result
		if err == nil {
			err = json.Unmarshal(data, &r)
		}
		if err != nil {
			b.Fatal(err)
		}
		kept = append(kept, r)
	}
	batch := &Batch{}
	begun := time.Date(2026, 11, 24, 11, 37, 0, 0, time.UTC)
	for round := range rounds {
		for i := range 300 {
			r := kept[i%len(kept)]
			r.Agent, r.Monitor = []string{"paris", "rome", "oslo"}[i/3%3], fmt.Sprintf("monitor-%d", i/9)+r.Kind
			r.Started, r.ElapsedNS = begun.Add(time.Duration(round)*10*time.Second+time.Duration(i)*33*time.Millisecond), int64(1e6+i*1000+round)
			latency := r.ElapsedNS / 2
			r.LatencyNS = &latency
			batch.Results = append(batch.Results, numbered(b, r, uint64(len(batch.Results)+1)))
		}
	}
	return batch
}

// perResult reports CPU time, since machines are busy.
func perResult(b *testing.B, n, size int, do func()) {
	do()
	b.ReportAllocs()
	took := cputime.Of(func() {
		for b.Loop() {
			do()
		}
	})
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/float64(n), "CPU-ns/result")
	b.ReportMetric(float64(size)/float64(n), "B/result")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkEncode is the time from decoded results to the compressed body of a request: of a
// batch with one result of each series, as live, and with several, as after an outage.
func BenchmarkEncode(b *testing.B) {
	tags := &Tags{}
	for _, rounds := range []int{1, 10} {
		batch := benchBatch(b, rounds)
		write, line, otlp := newWriteEncoder(kinds.All(), tags), newLineEncoder(kinds.All(), tags), newOTLPEncoder(kinds.All(), tags, "0")
		pack := newPacker("text/plain", &url.URL{Host: "receiver.example.org"})
		packed := func(body []byte) []byte {
			out, err := pack.pack(body)
			if err != nil {
				b.Fatal(err)
			}
			return out
		}
		var text []byte
		for _, c := range []struct {
			name   string
			encode func() []byte
		}{
			{"remote write", func() []byte { return write.encode(batch) }},
			{"influx", func() []byte { return packed(line.encode(batch)) }},
			{"influx plain", func() []byte { return line.encode(batch) }},
			{"otlp", func() []byte { return packed(otlp.metrics(batch)) }},
			{"otlp plain", func() []byte { return otlp.metrics(batch) }},
			{"ndjson", func() []byte { text = encodeLines(text[:0], batch); return text }},
		} {
			b.Run(fmt.Sprintf("%s/%d a series", c.name, rounds), func(b *testing.B) {
				size := len(c.encode())
				perResult(b, len(batch.Results), size, func() { c.encode() })
			})
		}
	}
}

// BenchmarkSamples is the part of that in which results become samples.
func BenchmarkSamples(b *testing.B) {
	batch := benchBatch(b, 1)
	write := newWriteEncoder(kinds.All(), &Tags{})
	perResult(b, len(batch.Results), 0, func() {
		for _, r := range batch.Results {
			write.samples = write.reader.Samples(write.samples[:0], &r.Result)
		}
	})
}

// BenchmarkDecode is what comes before: it is done once for all destinations.
func BenchmarkDecode(b *testing.B) {
	batch := benchBatch(b, 1)
	perResult(b, len(batch.Results), 0, func() {
		for _, r := range batch.Results {
			if _, err := wire.DecodeResult("results."+r.Agent+"."+r.Monitor, r.Data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

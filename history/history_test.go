package history

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"netmon/wire"
)

// TestBucket holds buckets against their definition: over 2^(i/32), at most 2^((i+1)/32).
func TestBucket(t *testing.T) {
	check := func(ns uint64) {
		i := Bucket(ns)
		low, high := math.Exp2(float64(i)/Base), math.Exp2(float64(i+1)/Base)
		if v := float64(ns); ns > 1 && (v <= low*(1-1e-12) || v > high*(1+1e-12)) {
			t.Errorf("Bucket(%d) = %d, which is from %g to %g", ns, i, low, high)
		}
	}
	for shift := range 63 {
		for d := range uint64(3) {
			check(1<<shift + d - 1)
		}
	}
	for range 100_000 {
		check(rand.Uint64() >> rand.IntN(64))
	}
	for ns, want := range map[uint64]int{0: -1, 1: -1, 2: 31, 4: 63, 1 << 40: 40*32 - 1, 1<<40 + 1: 40 * 32} {
		if got := Bucket(ns); got != want {
			t.Errorf("Bucket(%d) = %d, want %d", ns, got, want)
		}
	}
}

// TestQuantile holds percentiles against exact ones, over shapes that latencies have.
func TestQuantile(t *testing.T) {
	shapes := map[string]func() float64{
		"uniform":     func() float64 { return 1e6 + 1e6*rand.Float64() },
		"log normal":  func() float64 { return 2e7 * math.Exp(rand.NormFloat64()) },
		"two humps":   func() float64 { return []float64{3e5, 9e8}[rand.IntN(2)] * (1 + rand.Float64()/10) },
		"exponential": func() float64 { return 5e5 * rand.ExpFloat64() },
		"constant":    func() float64 { return 123456 },
	}
	for name, draw := range shapes {
		for _, n := range []int{1, 2, 3, 10, 360, 20_000} {
			l := &wire.Latencies{}
			exact := make([]uint64, n)
			for i := range exact {
				exact[i] = uint64(draw())
				AddLatency(l, exact[i])
			}
			slices.Sort(exact)
			for _, q := range []float64{0, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1} {
				got, ok := Quantile(l, q)
				want := float64(exact[max(1, int(math.Ceil(q*float64(n))))-1])
				if !ok || math.Abs(got-want) > ErrorBound*want+1 {
					t.Errorf("%s of %d: p%g is %g, exactly %g: %.2f %% off", name, n, 100*q, got, want, 100*(got/want-1))
				}
			}
		}
	}
	if _, ok := Quantile(nil, 0.5); ok {
		t.Error("nothing has a median")
	}
}

// random is a rollup of some results of a series.
func random(rnd *rand.Rand) *wire.Rollup {
	r, tail := &wire.Rollup{}, Tail{}
	a := Adder{Figures: []Figure{{Name: "connect_ns"}, {Name: "tls_ns"}, {Name: "banner_ns", Within: "tls_ns"}}}
	for range rnd.IntN(8) {
		res := wire.Result{Outcome: []wire.Outcome{wire.OK, wire.OK, wire.OK, wire.Failed, wire.Broken}[rnd.IntN(5)], Run: tail.Run + 1 + uint64(rnd.IntN(10)/9)}
		latency := int64(1e5 * math.Exp(3*rnd.NormFloat64()))
		if rnd.IntN(10) > 0 {
			res.LatencyNS = &latency
		}
		if rnd.IntN(10) == 0 {
			res.Skipped, res.Covers, res.Missed, res.Dropped, res.LateNS = uint64(rnd.IntN(5)), uint64(rnd.IntN(3)), 7, 2, 5e9
		}
		if rnd.IntN(3) == 0 {
			loss := 0.25
			res.Loss = &loss
		}
		if rnd.IntN(9) == 0 {
			res.Asked = "x"
		}
		if res.Outcome == wire.Failed && rnd.IntN(2) == 0 {
			res.Failure = wire.FailSlow
		}
		res.Details = json.RawMessage(`{"sent":4,"lost":1,"connect_ns":12345,"tls_ns":70000,"banner_ns":3}`)
		a.Add(r, &res, &tail)
	}
	return r
}

func TestMerge_IsAssociative(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a, b, c := random(rnd), random(rnd), random(rnd)
		left, right, other := Clone(a), Clone(b), Clone(c)
		Merge(left, b)
		Merge(left, c)
		Merge(right, c)
		first := Clone(a)
		Merge(first, right)
		Merge(other, b)
		Merge(other, a)
		if !reflect.DeepEqual(left, first) || !reflect.DeepEqual(left, other) {
			t.Fatalf("(a+b)+c, a+(b+c) and (c+b)+a differ:\n%+v\n%+v\n%+v", left, first, other)
		}
		if err := left.Check(); err != nil || !Whole(left) {
			t.Fatalf("%v\n%+v", err, left)
		}
	}
}

// unpack reads the minutes of an hour.
func unpack(names *Names, data []byte, out *Minutes) error {
	var sums [60]*Sum
	err := names.AddMinutes(data, func(i int) *Sum { sums[i] = &Sum{}; return sums[i] })
	for i, s := range sums {
		if s != nil {
			out[i] = s.Take(names)
		}
	}
	return err
}

func TestPack(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	names := &Names{}
	for range 500 {
		var in, out Minutes
		for i := range in {
			if rnd.IntN(4) > 0 {
				in[i] = random(rnd)
			}
		}
		data := names.Pack(&in)
		if err := unpack(names, data, &out); err != nil {
			t.Fatal(err)
		}
		all, sum := &wire.Rollup{}, &Sum{}
		for i := range in {
			if !reflect.DeepEqual(in[i], out[i]) {
				t.Fatalf("minute %d: packed %+v, unpacked %+v", i, in[i], out[i])
			}
			if in[i] != nil {
				Merge(all, in[i])
			}
		}
		if err := names.AddMinutes(data, func(int) *Sum { return sum }); err != nil || !reflect.DeepEqual(all, sum.Take(names)) {
			t.Fatalf("the sum of packed minutes is %+v (%v), want %+v", &sum.Rollup, err, all)
		}
		one := &Sum{}
		if err := names.AddRollup(names.AppendRollup(nil, all), one); err != nil || !reflect.DeepEqual(all, one.Take(names)) {
			t.Fatalf("packed as one: %+v (%v), want %+v", &one.Rollup, err, all)
		}
	}
}

// TestPackAll: adding to what is packed is unpacking, adding and packing.
func TestPackAll(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	names, packer := &Names{}, &Packer{}
	for range 300 {
		var a, b, sum Minutes
		for i := range a {
			if rnd.IntN(3) > 0 {
				a[i], sum[i] = random(rnd), &wire.Rollup{}
				Merge(sum[i], a[i])
			}
			if rnd.IntN(4) == 0 {
				if b[i] = random(rnd); sum[i] == nil {
					sum[i] = &wire.Rollup{}
				}
				Merge(sum[i], b[i])
			}
		}
		got, err := packer.PackAll(names, [][]byte{names.Pack(&a), names.Pack(&Minutes{})}, &b)
		if want := names.Pack(&sum); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%x, want %x (%v)", got, want, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	rnd := rand.New(rand.NewPCG(5, 6))
	seed := NamesOf([]string{"connect", "tls"})
	for range 5 {
		var in Minutes
		for i := range 10 {
			in[i] = random(rnd)
		}
		f.Add(seed.Pack(&in))
		if data, err := new(Packer).Group(seed, seed.Pack(&in)); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		names := NamesOf([]string{"connect", "tls"})
		var out Minutes
		if unpack(names, data, &out) != nil {
			return
		}
		// What no minute can have, such as failed runs that are covered where none is covered, is not packed.
		var again Minutes
		packed := names.Pack(&out)
		if err := unpack(names, packed, &again); err != nil || !slices.Equal(names.Pack(&again), packed) {
			t.Errorf("packed again it is not the same (%v)", err)
		}
	})
}

func TestNumbers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	n, seen := &Numbers{}, map[uint64]bool{}
	for i := range 20_000 { // in order, but for some that overtake or come twice
		seq := uint64(max(1, i-rnd.IntN(30)))
		if rnd.IntN(2) == 0 {
			seq = uint64(i + 1)
		}
		if got := n.Take(seq); got == seen[seq] {
			t.Fatalf("Take(%d) = %v after %s", seq, got, n)
		}
		seen[seq] = true
		if i%100 == 0 {
			back, err := ParseNumbers(n.String())
			if err != nil || back.String() != n.String() {
				t.Fatalf("%s is read as %s: %v", n, back, err)
			}
		}
	}
	n = &Numbers{}
	for i := range uint64(3 * MaxRanges) { // a hole after each
		if !n.Take(10 + 2*i) {
			t.Fatalf("%d is not new", 10+2*i)
		}
	}
	if len(n.ranges) > MaxRanges || n.Take(11) || n.Take(5) || !n.Take(10+6*MaxRanges-3) {
		t.Errorf("the oldest gaps are not closed: %s", n)
	}
	for _, bad := range []string{"x", "1", "2-1", "1-2,3-4", "5-6,1-2", "1-2,"} {
		if _, err := ParseNumbers(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestWhen(t *testing.T) {
	stored := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	due, started := stored.Add(-10*time.Second), stored.Add(-9*time.Second)
	for name, c := range map[string]struct {
		r     wire.Result
		want  time.Time
		moved bool
	}{
		"as it was due":                     {wire.Result{Due: due, Started: started}, due, false},
		"asked for counts as it began":      {wire.Result{Due: due, Started: started, Asked: "x"}, started, false},
		"without due as it began":           {wire.Result{Started: started}, started, false},
		"an old one in its own time":        {wire.Result{Due: due.Add(-24 * time.Hour), Started: started}, due.Add(-24 * time.Hour), false},
		"a clock that is a little fast":     {wire.Result{Due: stored.Add(Skew)}, stored.Add(Skew), false},
		"a clock that is fast by over that": {wire.Result{Due: stored.Add(Skew + 1)}, stored, true},
	} {
		if at, moved := When(&c.r, stored); !at.Equal(c.want) || moved != c.moved {
			t.Errorf("%s: %s %v, want %s", name, at, moved, c.want)
		}
	}
}

func TestAdd_Details(t *testing.T) {
	a := Adder{Figures: []Figure{{Name: "connect_ns"}, {Name: "tls_ns"}, {Name: "banner_ns", Within: "tls_ns"}}}
	loss := 0.5
	r := &wire.Rollup{}
	res := wire.Result{Outcome: wire.OK, Loss: &loss, Run: 1,
		Details: json.RawMessage(`{"a":{"sent":99,"connect_ns":[1,2]},"text":"\"connect_ns\":7,","sent": 4,"lost":2,"connect_ns":1500,"tls_ns":2499,"banner_ns":5,"ratio":1.5,"below":-3,"last":1e3}`)}
	a.Add(r, &res, &Tail{})
	want := map[string]wire.Phase{"connect": {Count: 1, SumUS: 2}, "tls": {Count: 1, SumUS: 2}}
	if !reflect.DeepEqual(r.Phases, want) || *r.Packets != (wire.Packets{Sent: 4, Lost: 2}) {
		t.Errorf("phases %v and packets %v, want %v and 2 of 4", r.Phases, r.Packets, want)
	}
	seen := map[string]uint64{}
	numbers(res.Details, func(name []byte, n uint64) { seen[string(name)] = n })
	if want := map[string]uint64{"sent": 4, "lost": 2, "connect_ns": 1500, "tls_ns": 2499, "banner_ns": 5}; !reflect.DeepEqual(seen, want) {
		t.Errorf("numbers of the details are %v, want %v", seen, want)
	}
}

// hourOf is an hour of a tcp monitor every 10 s.
func hourOf(rnd *rand.Rand) (minutes Minutes, all *wire.Rollup) {
	a, tail, run := Adder{Figures: []Figure{{Name: "connect_ns"}}}, Tail{}, uint64(0)
	all = &wire.Rollup{}
	for i := range minutes {
		minutes[i] = &wire.Rollup{}
		for range 6 {
			run++
			latency := int64(5e6 * math.Exp(0.2*rnd.NormFloat64()))
			a.Add(minutes[i], &wire.Result{Outcome: wire.OK, Run: run, LatencyNS: &latency, Details: fmt.Appendf(nil, `{"connect_ns":%d}`, latency)}, &tail)
		}
		Merge(all, minutes[i])
	}
	return minutes, all
}

func BenchmarkPack(b *testing.B) {
	names := &Names{}
	minutes, all := hourOf(rand.New(rand.NewPCG(1, 1)))
	for b.Loop() {
		names.Pack(&minutes)
	}
	b.ReportMetric(float64(len(names.Pack(&minutes)))/60, "bytes/minute")
	b.ReportMetric(float64(len(names.AppendRollup(nil, all))), "bytes/hour")
}

func BenchmarkPackAll(b *testing.B) {
	names, packer := &Names{}, &Packer{}
	minutes, _ := hourOf(rand.New(rand.NewPCG(1, 1)))
	more := minutes
	for i := range minutes {
		if i < 50 {
			more[i] = nil
		} else {
			minutes[i] = nil
		}
	}
	data := names.Pack(&minutes)
	for b.Loop() {
		if _, err := packer.PackAll(names, [][]byte{data}, &more); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAddMinutes is the time that an hour of minutes takes to be added up.
func BenchmarkAddMinutes(b *testing.B) {
	names, sum := &Names{}, &Sum{}
	var hours [64][]byte // else the processor learns them
	for i := range hours {
		minutes, _ := hourOf(rand.New(rand.NewPCG(1, uint64(i))))
		hours[i] = names.Pack(&minutes)
	}
	n := 0
	for b.Loop() {
		n++
		sum.Reset()
		if err := names.AddMinutes(hours[n%len(hours)], func(int) *Sum { return sum }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	a := Adder{Figures: []Figure{{Name: "resolve_ns"}, {Name: "connect_ns"}, {Name: "tls_ns"}, {Name: "processing_ns"}, {Name: "transfer_ns"}}}
	r, tail := &wire.Rollup{}, Tail{}
	latency := int64(123456)
	res := wire.Result{Outcome: wire.OK, LatencyNS: &latency, Details: json.RawMessage(`{"url":"https://example.org/","status":200,"resolve_ns":1000,"connect_ns":265521,"tls_ns":765521,"processing_ns":100,"transfer_ns":22,"headers":{"a":"b","c":"d"},"body_bytes":1256}`)}
	b.ReportAllocs()
	for b.Loop() {
		latency = latency*1103515245%1000003 + 100000
		res.Run++
		a.Add(r, &res, &tail)
	}
}

// TestReciprocals: what stands for a division is one, for all that is asked.
func TestReciprocals(t *testing.T) {
	for n := uint64(1); n < uint64(len(reciprocals)); n++ {
		for _, x := range []uint64{0, 1, n - 1, n, n + 1, 1<<24 - 1, (1<<24 - 1) / n * n, max((1<<24-1)/n*n, 1) - 1, rand.Uint64N(1 << 24)} {
			if got := x * reciprocals[n] >> 40; got != x/n {
				t.Fatalf("%d / %d is %d, got %d", x, n, x/n, got)
			}
		}
	}
}

// BenchmarkAddDay is the time that a day of hours takes to be added up, hour by hour.
func BenchmarkAddDay(b *testing.B) {
	names, rnd := &Names{}, rand.New(rand.NewPCG(1, 1))
	var days [16][]byte
	for i := range days {
		d := &Day{}
		for hour := range DayHours {
			_, all := hourOf(rnd)
			if err := d.Set(names, hour, names.AppendRollup(nil, all)); err != nil {
				b.Fatal(err)
			}
		}
		data, err := d.Pack(names)
		if err != nil {
			b.Fatal(err)
		}
		days[i] = data
	}
	b.ReportMetric(float64(len(days[0])), "bytes")
	n, sums := 0, [2]Sum{}
	for b.Loop() {
		n++
		for i := range sums {
			sums[i].Reset()
		}
		if err := names.AddMinutes(days[n%len(days)], func(i int) *Sum { return &sums[i%2] }); err != nil {
			b.Fatal(err)
		}
	}
}

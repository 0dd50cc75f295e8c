package figures

import (
	"math"
	"slices"
	"time"
)

// RoundTrips are the statistics of a series of packets, ns. What cannot be said
// of so few is nil.
type RoundTrips struct {
	Min, Avg, Max *int64
	Mdev          *int64 // standard deviation, as ping's mdev; from 2 on
	Jitter        *int64 // mean of the absolute differences between neighbours; from 2 on

	sorted []time.Duration
}

// RoundTripsOf takes the times in the order of sending.
func RoundTripsOf(rtts []time.Duration) (t RoundTrips) {
	n := float64(len(rtts))
	if n == 0 {
		return t
	}
	ns := func(v float64) *int64 { return new(int64(math.Round(v))) }
	var sum, apart, square float64
	for i, v := range rtts {
		sum += float64(v)
		if i > 0 {
			apart += float64((v - rtts[i-1]).Abs())
		}
	}
	mean := sum / n
	t.sorted = slices.Sorted(slices.Values(rtts))
	t.Min, t.Avg, t.Max = new(int64(t.sorted[0])), ns(mean), new(int64(t.sorted[len(rtts)-1]))
	if len(rtts) < 2 {
		return t
	}
	for _, v := range rtts {
		square += (float64(v) - mean) * (float64(v) - mean)
	}
	t.Mdev, t.Jitter = ns(math.Sqrt(square/n)), ns(apart/(n-1))
	return t
}

// Percentile is by nearest rank; nil with fewer round trips than least.
func (t RoundTrips) Percentile(percent, least int) *int64 {
	n := len(t.sorted)
	if n < least {
		return nil
	}
	return new(int64(t.sorted[(n*percent+99)/100-1]))
}

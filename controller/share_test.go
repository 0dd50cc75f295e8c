package controller

import (
	"testing"
	"time"
)

// TestFeed_SharesInOneChain: what is shared says what it goes on behind, also where the stream
// has holes, and begins anew with another life of the stream.
func TestFeed_SharesInOneChain(t *testing.T) {
	var got []Reading
	f := newFeed(func(r Reading) { got = append(got, r) })
	one, two := time.Unix(1, 0), time.Unix(2, 0)
	facts := func(numbers ...uint64) (list []fact) {
		for _, n := range numbers {
			list = append(list, fact{number: n, at: time.Unix(int64(n), 0), pending: 3})
		}
		return list
	}
	f.shareRead(one, facts(5, 6))
	f.shareRead(one, facts(9))
	f.shareRead(one, facts(12, 20))
	f.shareRead(two, facts(1))
	f.shareRead(two, facts(2))
	for i, want := range []struct {
		created     time.Time
		after, last uint64
	}{{one, 4, 6}, {one, 6, 9}, {one, 9, 20}, {two, 0, 1}, {two, 1, 2}} {
		r := got[i]
		if x := r.Results[len(r.Results)-1]; !r.Created.Equal(want.created) || r.After != want.after || x.Sequence != want.last || x.Pending != 3 || x.Result != nil {
			t.Errorf("reading %d is %+v, want %+v", i, r, want)
		}
	}
	newFeed(nil).shareRead(one, facts(1)) // nobody wants it
}

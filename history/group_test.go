package history

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"netmon/wire"
)

// TestGroup: with sums in front, minutes add up to what they are, however long the times are that
// they are added up to, and whichever minutes there are.
func TestGroup(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	names, packer := &Names{}, &Packer{}
	for round := range 200 {
		var in Minutes
		for i := range in {
			if rnd.IntN(1+round%4) > 0 || round%10 == 0 {
				in[i] = random(rnd)
			}
		}
		data, err := packer.Group(names, names.Pack(&in))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := packer.Group(names, data); err != nil || !reflect.DeepEqual(again, data) {
			t.Fatalf("grouped twice it is another: %v", err)
		}
		for _, step := range []int{1, 7, 10, 15, 20, 30, 60} {
			skip := rnd.IntN(3) * 10 // who begins later
			want, got := map[int]*wire.Rollup{}, map[int]*Sum{}
			for i, m := range in {
				if m != nil && i >= skip {
					if want[i/step] == nil {
						want[i/step] = &wire.Rollup{}
					}
					Merge(want[i/step], m)
				}
			}
			err := names.AddMinutes(data, func(i int) *Sum {
				if i < skip {
					return nil
				}
				if got[i/step] == nil {
					got[i/step] = &Sum{}
				}
				return got[i/step]
			})
			if err != nil || len(got) != len(want) {
				t.Fatalf("by %d: %d sums, want %d (%v)", step, len(got), len(want), err)
			}
			for k, w := range want {
				if g := got[k].Take(names); !reflect.DeepEqual(g, w) {
					t.Fatalf("by %d, the sum %d is %+v, want %+v", step, k, g, w)
				}
			}
		}
		for cut := range min(len(data), 40) {
			if err := unpack(names, data[:cut], &Minutes{}); !errors.Is(err, ErrPacked) {
				t.Fatalf("the first %d bytes are taken: %v", cut, err)
			}
		}
	}
}

// TestGroup_OtherSums: sums that are of other minutes than there are, are damage.
func TestGroup_OtherSums(t *testing.T) {
	names, packer := &Names{}, &Packer{}
	rnd := rand.New(rand.NewPCG(13, 14))
	var first, last Minutes
	first[0], last[59] = random(rnd), random(rnd)
	a, err := packer.Group(names, names.Pack(&first))
	if err != nil {
		t.Fatal(err)
	}
	g, err := ungroup(a)
	if err != nil {
		t.Fatal(err)
	}
	forged := append(a[:len(a)-len(g.minutes):len(a)-len(g.minutes)], names.Pack(&last)...)
	var sum Sum
	if err := names.AddMinutes(forged, func(int) *Sum { return &sum }); !errors.Is(err, ErrPacked) {
		t.Errorf("got %v", err)
	}
}

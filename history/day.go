package history

// DayHours is how many hours a [Day] has.
const DayHours = 24

// Day packs the hours of a day: as minutes of an hour are packed, so that [Names.AddMinutes]
// reads them by their place in the day. Together they take a fifth less than one by one. It
// is for one goroutine, and keeps its memory; the zero value is a day without hours.
type Day struct {
	sums  [DayHours]Sum
	there uint64
	whole [1]Sum
}

// Reset makes it a day without hours.
func (d *Day) Reset() {
	for i := range d.sums {
		d.sums[i].Reset()
	}
	d.there = 0
}

// Read adds the hours of a packed day.
func (d *Day) Read(n *Names, packed []byte) error {
	bad := false
	var none Sum
	err := n.AddMinutes(packed, func(i int) *Sum {
		if i >= DayHours {
			bad = true
			return &none
		}
		d.there |= 1 << i
		return &d.sums[i]
	})
	if err == nil && bad {
		return ErrPacked
	}
	return err
}

// Set has an hour be a packed rollup, whatever it was.
func (d *Day) Set(n *Names, hour int, packed []byte) error {
	d.sums[hour].Reset()
	d.there |= 1 << hour
	return n.AddRollup(packed, &d.sums[hour])
}

// Pack packs it, with the sum of all in front.
func (d *Day) Pack(n *Names) ([]byte, error) {
	return n.group(packSums(d.sums[:], d.there), DayHours, d.whole[:])
}

package broker

import "testing"

const mib = 1 << 20

func TestCapacity_Lowered(t *testing.T) {
	for name, c := range map[string]struct{ counted, onDisk, missing, want int64 }{
		"a part, as much as is missing":           {1000 * mib, 1000 * mib, 100 * mib, 900 * mib},
		"the same part of what is compressed":     {1000 * mib, 200 * mib, 20 * mib, 900 * mib},
		"at least a twentieth":                    {1000 * mib, 1000 * mib, 1, 950 * mib},
		"at most half at once":                    {1000 * mib, 100 * mib, 1000 * mib, 500 * mib},
		"and never all":                           {20 * mib, 20 * mib, 1000 * mib, leastResults},
		"where their files are not to be counted": {1000 * mib, 0, mib, 500 * mib},
	} {
		if got := (capacity{asked: 4000 * mib, limit: 4000 * mib, counted: c.counted, onDisk: c.onDisk, spare: -c.missing}).next(); got != c.want {
			t.Errorf("%s: %d MiB, want %d", name, got/mib, c.want/mib)
		}
	}
}

func TestCapacity_FollowsCompression(t *testing.T) {
	const plenty = 100_000 * mib
	for name, c := range map[string]struct {
		is   capacity
		want int64
	}{
		"little is stored yet":         {capacity{asked: 1000 * mib, limit: 1000 * mib, counted: 60 * mib, onDisk: 10 * mib, spare: plenty}, 1000 * mib},
		"half is saved":                {capacity{asked: 1000 * mib, limit: 1000 * mib, counted: 900 * mib, onDisk: 450 * mib, spare: plenty}, 2000 * mib},
		"six parts of seven are":       {capacity{asked: 1000 * mib, limit: 1000 * mib, counted: 700 * mib, onDisk: 100 * mib, spare: plenty}, 4000 * mib},
		"nothing is":                   {capacity{asked: 1000 * mib, limit: 1000 * mib, counted: 900 * mib, onDisk: 900 * mib, spare: plenty}, 1000 * mib},
		"a little more is saved":       {capacity{asked: 1000 * mib, limit: 2000 * mib, counted: 1000 * mib, onDisk: 480 * mib, spare: plenty}, 2000 * mib},
		"the disk has room for less":   {capacity{asked: 1000 * mib, limit: 1000 * mib, counted: 800 * mib, onDisk: 200 * mib, spare: 300 * mib}, 2000 * mib},
		"less was saved than believed": {capacity{asked: 1000 * mib, limit: 4000 * mib, counted: 3000 * mib, onDisk: 1500 * mib, spare: plenty}, 2000 * mib},
		"nothing was":                  {capacity{asked: 1000 * mib, limit: 4000 * mib, counted: 3000 * mib, onDisk: 3000 * mib, spare: plenty}, 1000 * mib},
		"a person set more":            {capacity{asked: 1000 * mib, limit: 9000 * mib, counted: 8000 * mib, onDisk: 8000 * mib, spare: plenty}, 9000 * mib},
		"it is nobody's to decide":     {capacity{limit: 1000 * mib, counted: 700 * mib, onDisk: 100 * mib, spare: plenty}, 1000 * mib},
		"there is no limit":            {capacity{asked: 1000 * mib, limit: -1, counted: 700 * mib, onDisk: 100 * mib, spare: plenty}, -1},
		"the disk was short, and rose": {capacity{asked: 1000 * mib, limit: 500 * mib, counted: 480 * mib, onDisk: 120 * mib, spare: plenty}, 4000 * mib},
	} {
		if got := c.is.next(); got != c.want {
			t.Errorf("%s: %d MiB, want %d", name, got/mib, c.want/mib)
		}
	}
}

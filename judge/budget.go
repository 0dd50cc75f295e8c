package judge

import "time"

const (
	mostAsks    = 50 // runs that are asked for in a second, of all monitors
	waveWindow  = 10 * time.Second
	waveShare   = 5  // a wave is when one of so many monitors turns bad within waveWindow,
	fewestWaved = 10 // and at least so many
)

// budget bounds the runs that are asked for, of all monitors together.
type budget struct {
	Asks   []moment          `json:"asks,omitempty"`  // the last ones
	Bad    []moment          `json:"bad,omitempty"`   // when monitors turned bad lately
	Hosts  map[string]moment `json:"hosts,omitempty"` // that had their run in a wave
	Pruned moment            `json:"pruned,omitzero"`
}

// spend takes n asks, if there are so many.
func (b *budget) spend(now moment, n int) bool {
	for len(b.Asks) > 0 && b.Asks[0] <= now.add(-time.Second) {
		b.Asks = b.Asks[1:]
	}
	if len(b.Asks)+n > mostAsks {
		return false
	}
	for range n {
		b.Asks = append(b.Asks, now)
	}
	return true
}

// waved says whether so many monitors turn bad at once that one run for each host is
// enough, and the host of this one had it.
func (j *Judge) waved(m *monitor) bool {
	b := &j.budget
	old := j.now.add(-waveWindow)
	for len(b.Bad) > 0 && b.Bad[0] < old {
		b.Bad = b.Bad[1:]
	}
	if len(b.Bad) < max(fewestWaved, len(j.monitors)/waveShare) {
		b.Bad = append(b.Bad, j.now)
		return false
	}
	if b.Pruned < old {
		b.Pruned = j.now
		for h, t := range b.Hosts {
			if t < old {
				delete(b.Hosts, h)
			}
		}
	}
	if b.Hosts == nil {
		b.Hosts = map[string]moment{}
	}
	if t, ok := b.Hosts[m.host]; ok && t >= old {
		return true
	}
	b.Hosts[m.host] = j.now
	return false
}

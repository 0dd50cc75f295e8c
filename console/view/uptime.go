package view

import "time"

// Uptimes says how current the uptimes of a snapshot are.
type Uptimes struct {
	At  time.Time // when they were read; zero: none are known
	Why string    // why none, or none newer, can be read; "" where they can
}

// uptimes are those of the last 24 h, by verdict.
type uptimes struct {
	Uptimes
	of   map[string]Figure // by monitor, 0 to 1; absent where nothing is known
	days map[string]*Day
}

// uptimesHold is how long uptimes are shown where none newer can be read.
const uptimesHold = 5 * time.Minute

// SetUptimes takes the uptimes of monitors over the last 24 h, 0 to 1, as of
// this moment. Of a monitor that is not there nothing is known.
func (v *Mesh) SetUptimes(of map[string]float64, at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.uptimes = uptimes{Uptimes{At: at}, make(map[string]Figure, len(of)), v.uptimes.days}
	for name, part := range of {
		if part >= 0 && part <= 1 {
			v.uptimes.of[name] = measured(part)
		}
	}
}

// SetDays takes the states of monitors over the last 24 h. It follows SetUptimes, with which
// they are as current.
func (v *Mesh) SetDays(of map[string]Day) {
	v.mu.Lock()
	defer v.mu.Unlock()
	days := make(map[string]*Day, len(of))
	for name, day := range of {
		if was := v.uptimes.days[name]; was != nil && *was == day {
			days[name] = was
		} else {
			days[name] = &day
		}
	}
	v.uptimes.days = days
}

// NoUptimes says why uptimes cannot be read. Those that are known hold for a few minutes.
func (v *Mesh) NoUptimes(why string, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.uptimes.Why = why
	if now.Sub(v.uptimes.At) > uptimesHold {
		v.uptimes.At, v.uptimes.of, v.uptimes.days = time.Time{}, nil, nil
	}
}

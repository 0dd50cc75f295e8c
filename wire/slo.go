package wire

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SLO is a service level objective: the part of its window in which a monitor shall not be
// down. What is left of the window, known or not, is the error budget.
type SLO struct {
	Objective float64  `json:"objective"`                  // percent, such as 99.9
	Window    Duration `json:"window,omitempty" zero:"no"` // over which the error budget is counted, back from now; default 30d
}

// Bounds of an objective.
const (
	DefaultSLOWindow = 30 * 24 * time.Hour
	MinSLOWindow     = 3 * 24 * time.Hour // the longest time over which a burn rate is taken
	MaxSLOWindow     = 366 * 24 * time.Hour
)

// WithDefaults returns s with nothing absent.
func (s SLO) WithDefaults() SLO {
	if s.Window == 0 {
		s.Window = Duration(DefaultSLOWindow)
	}
	return s
}

// Part is the objective as a part of 1.
func (s SLO) Part() float64 { return s.Objective / 100 }

// Validate reports every mistake.
func (s SLO) Validate() error {
	var p Problems
	if !(s.Objective > 0 && s.Objective < 100) { // nor is it no number
		p.Addf("objective", "want percent, more than 0 and less than 100 such as 99.9, got %v", s.Objective)
	}
	if d := s.Window.Std(); d != 0 && (d < MinSLOWindow || d > MaxSLOWindow) {
		p.Addf("window", "want %v to %v, got %q", Duration(MinSLOWindow), Duration(MaxSLOWindow), s.Window)
	}
	return p.Err()
}

// ParseSLO reads what String writes.
func ParseSLO(text string) (SLO, error) {
	percent, window, ok := strings.Cut(text, "/")
	var s SLO
	var err error
	if s.Objective, err = strconv.ParseFloat(percent, 64); err != nil {
		return SLO{}, fmt.Errorf("want PERCENT or PERCENT/WINDOW such as 99.9 or 99.9/90d, got %q", Clip(text, 60))
	}
	if ok {
		if err := s.Window.UnmarshalText([]byte(window)); err != nil {
			return SLO{}, fmt.Errorf("window: %w", err)
		}
	}
	return s, s.Validate()
}

// String is the objective in one word: 99.9, or 99.9/90d with another window than the default.
func (s SLO) String() string {
	text := strconv.FormatFloat(s.Objective, 'f', -1, 64)
	if w := s.WithDefaults().Window; w != Duration(DefaultSLOWindow) {
		text += "/" + w.String()
	}
	return text
}

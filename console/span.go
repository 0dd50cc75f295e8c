package console

import (
	"fmt"
	"time"

	"netmon/wire"
)

// ParseSpan reads how long something is to last, as people write it: 30m, 2h, 1h30m, 3d.
func ParseSpan(text string) (time.Duration, error) {
	d, err := wire.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("want how long, such as 30m, 2h or 3d, got %q", text)
	}
	return d, nil
}

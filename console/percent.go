package console

import "strconv"

// PercentText is a part, 0 to 1, in percent, with the digits that tell it from 100 % and
// from 0; "-" where nothing is known.
func PercentText(part *float64) string {
	if part == nil {
		return "-"
	}
	p := 100 * *part
	switch {
	case p == 100, p == 0:
		return strconv.FormatFloat(p, 'f', 0, 64) + "%"
	case p > 99, p < 1:
		text := strconv.FormatFloat(p, 'f', 3, 64)
		switch text {
		case "100.000":
			text = "99.999" // it is less
		case "0.000":
			text = "0.001" // it is more
		}
		return text + "%"
	}
	return strconv.FormatFloat(p, 'f', 2, 64) + "%"
}

package export

import (
	"math"
	"strconv"
)

// scale is how a number is kept: whole nanoseconds are exact and quickly written, seconds are neither.
type scale uint8

const (
	ones   scale = iota
	nanos        // of a second
	micros       // of a second, for times since 1970
)

// float is the number in its unit.
func (s scale) float(n float64) float64 {
	switch s {
	case nanos:
		return n / 1e9
	case micros:
		return n / 1e6
	}
	return n
}

// appendNumber writes a number so that it is read as the same one.
func appendNumber(b []byte, n float64, s scale) []byte {
	whole := int64(n)
	if float64(whole) != n || whole > 1<<53 || whole < -1<<53 {
		return appendFloat(b, s.float(n))
	}
	switch s {
	case nanos:
		return appendDecimal(b, whole, 1e9)
	case micros:
		return appendDecimal(b, whole, 1e6)
	}
	return strconv.AppendInt(b, whole, 10)
}

// appendFloat writes what is no whole number.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "+Inf"...)
	case math.IsInf(f, -1):
		return append(b, "-Inf"...)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// appendDecimal writes n/unit, where unit is a power of ten.
func appendDecimal(b []byte, n, unit int64) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendInt(b, n/unit, 10)
	part := n % unit
	if part == 0 {
		return b
	}
	b = append(b, '.')
	for part > 0 {
		unit /= 10
		b = append(b, byte('0'+part/unit))
		part %= unit
	}
	return b
}

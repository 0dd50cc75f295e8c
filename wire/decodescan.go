package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// scanner reads JSON from left to right. Each of its methods says whether
// there was what it reads; after one that says no, nothing can be read on.
type scanner struct {
	data []byte
	at   int
	look bool // at what it is: texts and raw values are not kept
}

// deepest is how many values may be within each other; more is left to encoding/json.
const deepest = 64

func (s *scanner) space() {
	for s.at < len(s.data) && (s.data[s.at] == ' ' || s.data[s.at] == '\n' || s.data[s.at] == '\t' || s.data[s.at] == '\r') {
		s.at++
	}
}

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.at == len(s.data) {
		return 0
	}
	return s.data[s.at]
}

// next takes c, when that is next.
func (s *scanner) next(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// sign is next, past what comes before it.
func (s *scanner) sign(c byte) bool {
	s.space()
	return s.next(c)
}

// text reads a string and returns what is between its quotes. plain says that
// it means just these bytes.
func (s *scanner) text() (raw []byte, plain, ok bool) {
	if !s.sign('"') {
		return nil, false, false
	}
	begin, ascii := s.at, true
	plain = true
	for ; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; {
		case c == '"':
			raw = s.data[begin:s.at]
			s.at++
			return raw, plain && (ascii || utf8.Valid(raw)), true
		case c == '\\':
			plain = false
			s.at++
			if !s.escape() {
				return nil, false, false
			}
		case c < ' ':
			return nil, false, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false, false
}

// escape checks what follows a backslash, and ends on its last byte.
func (s *scanner) escape() bool {
	switch c := s.peek(); {
	case c != 0 && strings.IndexByte(`"\/bfnrt`, c) >= 0:
		return true
	case c != 'u' || s.at+4 >= len(s.data):
		return false
	}
	for _, c := range s.data[s.at+1 : s.at+5] {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	s.at += 4
	return true
}

func (s *scanner) string(to *string) bool {
	begin := s.at
	raw, plain, ok := s.text()
	if s.look {
		return ok
	}
	if ok && !plain {
		var text string // to may stay where it is: a Result on the stack
		ok = json.Unmarshal(s.data[begin:s.at], &text) == nil
		*to = text
		return ok
	}
	*to = string(raw)
	return ok
}

// same reads a string that has to be want, which is taken for it: that saves a copy.
func (s *scanner) same(to *string, want string) bool {
	raw, plain, ok := s.text()
	*to = want
	return ok && plain && string(raw) == want
}

// natural reads a whole number, 0 or more. One of over 18 digits is left to encoding/json.
func (s *scanner) natural(to *uint64) bool {
	begin := s.at
	var n uint64
	for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
		n = n*10 + uint64(s.data[s.at]-'0')
		s.at++
	}
	*to = n
	digits := s.at - begin
	return digits > 0 && digits <= 18 && (digits == 1 || s.data[begin] != '0') && !s.fraction()
}

func (s *scanner) integer(to *int64) bool {
	negative := s.next('-')
	var n uint64
	if !s.natural(&n) || n > math.MaxInt64 {
		return false
	}
	*to = int64(n)
	if negative {
		*to = -*to
	}
	return true
}

func (s *scanner) float(to *float64) bool {
	begin := s.at
	if !s.skipNumber() {
		return false
	}
	f, err := strconv.ParseFloat(string(s.data[begin:s.at]), 64)
	*to = f
	return err == nil
}

// fraction says that the number continues.
func (s *scanner) fraction() bool {
	c := s.peek()
	return c == '.' || c == 'e' || c == 'E'
}

func (s *scanner) time(to *time.Time) bool {
	value := s.value()
	return value != nil && to.UnmarshalJSON(value) == nil
}

// other reads a value that is rare, or hard.
func (s *scanner) other(to any) bool {
	value := s.value()
	return value != nil && json.Unmarshal(value, to) == nil
}

func (s *scanner) raw(to *json.RawMessage) bool {
	value := s.value()
	if !s.look {
		*to = bytes.Clone(value)
	}
	return value != nil
}

// value passes over one value of any kind and returns it; nil for null, and
// for what is no JSON.
func (s *scanner) value() []byte {
	begin := s.at
	if !s.skip(0) || s.data[begin] == 'n' {
		return nil
	}
	return s.data[begin:s.at]
}

func (s *scanner) skip(depth int) bool {
	switch c := s.peek(); {
	case c == '"':
		_, _, ok := s.text()
		return ok
	case c == '{' || c == '[':
		return depth < deepest && s.skipInside(c, depth)
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	return s.skipNumber()
}

// skipInside passes over an object or a list.
func (s *scanner) skipInside(open byte, depth int) bool {
	s.at++
	end := open + 2 // } is two behind {, and ] behind [
	for first := true; !s.sign(end); first = false {
		if !first && !s.sign(',') {
			return false
		}
		if open == '{' {
			if _, _, ok := s.text(); !ok || !s.sign(':') {
				return false
			}
		}
		s.space()
		if !s.skip(depth + 1) {
			return false
		}
	}
	return true
}

func (s *scanner) word(w string) bool {
	if !bytes.HasPrefix(s.data[s.at:], []byte(w)) {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scanner) skipNumber() bool {
	s.next('-')
	if !s.next('0') && !s.digits() {
		return false
	}
	if s.next('.') && !s.digits() {
		return false
	}
	if s.next('e') || s.next('E') {
		if !s.next('+') {
			s.next('-')
		}
		return s.digits()
	}
	return true
}

// digits passes over digits, one at least.
func (s *scanner) digits() bool {
	begin := s.at
	for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at > begin
}

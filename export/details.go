package export

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// found is what details say of a figure.
type found struct {
	there  bool
	number float64 // of a list its length, of a text 1, or what it is as a time; as it came, in the figure's unit
	text   []byte  // of a text that is no time; it lies in the details
}

// scanner reads details from left to right, once: only what a table wants. Details come from
// agents, so anything may be in them; what is no JSON is no figures.
type scanner struct {
	data []byte
	at   int
	t    *table
	out  []found
}

// readDetails fills out, which has a place for each figure of t. False says that the details are none.
func (t *table) readDetails(details []byte, out []found) bool {
	clear(out)
	s := scanner{data: details, t: t, out: out}
	s.space()
	if s.peek() != '{' || !s.object(&t.root) {
		clear(out)
		return false
	}
	s.space()
	if s.at != len(s.data) {
		clear(out)
		return false
	}
	return true
}

// space passes over what there is none of in what agents write.
func (s *scanner) space() {
	for s.at < len(s.data) && s.data[s.at] <= ' ' && (s.data[s.at] == ' ' || s.data[s.at] == '\n' || s.data[s.at] == '\t' || s.data[s.at] == '\r') {
		s.at++
	}
}

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.at >= len(s.data) {
		return 0
	}
	return s.data[s.at]
}

// next takes c, when that is next after space.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// object reads an object whose names n knows. The names of an object mostly come in
// the order of n, so the search begins behind the last one.
func (s *scanner) object(n *node) bool {
	s.at++ // {
	if s.next('}') {
		return true
	}
	last := 0
	for {
		s.space()
		if s.peek() != '"' {
			return false
		}
		begin := s.at + 1
		if !s.skipText() {
			return false
		}
		name := s.data[begin : s.at-1]
		if !s.next(':') {
			return false
		}
		s.space()
		ok := false
		if want := n.kid(name, &last); want != nil {
			ok = s.value(want)
		} else {
			ok = s.skip()
		}
		switch {
		case !ok:
			return false
		case s.next(','):
		default:
			return s.next('}')
		}
	}
}

// kid is what n knows of a name, nil where that is nothing. The search begins where last
// points, which is set behind what it finds.
func (n *node) kid(name []byte, last *int) *kid {
	if n.lengths&(1<<(len(name)&63)) == 0 {
		return nil
	}
	for i := *last; i < len(n.kids); i++ {
		if n.kids[i].name == string(name) {
			*last = i + 1
			return &n.kids[i]
		}
	}
	for i := range *last {
		if n.kids[i].name == string(name) {
			*last = i + 1
			return &n.kids[i]
		}
	}
	return nil
}

// value reads a value that matters.
func (s *scanner) value(k *kid) bool {
	f := found{there: true, number: 1}
	like := figure{}
	if k.figure > 0 {
		like = s.t.figures[k.figure]
	}
	ok := false
	switch c := s.peek(); c {
	case '"':
		f.text, ok = s.text()
		if like.time && ok {
			f.number, f.there = timeNumber(f.text)
			f.text = nil
		}
	case '{':
		if k.sub != nil {
			ok = s.object(k.sub)
		} else {
			ok = s.skip()
		}
	case '[':
		begin := s.at
		if f.number, ok = s.items(); ok && like.raw {
			f.text = s.data[begin:s.at]
		}
	case 't':
		ok = s.word("true")
	case 'f':
		f.number, ok = 0, s.word("false")
	case 'n':
		f.there, ok = false, s.word("null")
	default:
		f.number, ok = s.number()
	}
	if ok && k.figure > 0 {
		s.out[k.figure] = f
	}
	return ok
}

// text reads a string and returns what it means, without a copy where it has no escapes.
func (s *scanner) text() ([]byte, bool) {
	begin := s.at
	if !s.skipText() {
		return nil, false
	}
	raw := s.data[begin+1 : s.at-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, true
	}
	var text string
	if json.Unmarshal(s.data[begin:s.at], &text) != nil {
		return nil, false
	}
	return []byte(text), true
}

// skipText passes over a string.
func (s *scanner) skipText() bool {
	begin := s.at + 1
	end := bytes.IndexByte(s.data[begin:], '"')
	if end < 0 {
		return false
	}
	if end == 0 || s.data[begin+end-1] != '\\' {
		s.at = begin + end + 1
		return true
	}
	for s.at++; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case '"':
			s.at++
			return true
		case '\\':
			s.at++
		}
	}
	return false
}

// skip passes over a value.
func (s *scanner) skip() bool {
	switch c := s.peek(); c {
	case '"':
		return s.skipText()
	case '{', '[':
		return s.skipInside(nil)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	_, ok := s.number()
	return ok
}

// skipInside passes over an object or a list, and counts the commas of its first level where
// commas is not nil. What is within is not looked at closely.
func (s *scanner) skipInside(commas *int) bool {
	depth := 0
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case '"':
			if !s.skipText() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.at++
				return true
			}
		case ',':
			if depth == 1 && commas != nil {
				*commas++
			}
		}
		s.at++
	}
	return false
}

// items counts those of a list.
func (s *scanner) items() (float64, bool) {
	begin, commas := s.at, 0
	if !s.skipInside(&commas) {
		return 0, false
	}
	if len(bytes.TrimSpace(s.data[begin+1:s.at-1])) == 0 {
		return 0, true
	}
	return float64(commas + 1), true
}

func (s *scanner) word(w string) bool {
	if len(s.data)-s.at < len(w) || string(s.data[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

// number reads a number. Whole ones of up to 18 digits, which nearly all are, are read by hand.
func (s *scanner) number() (float64, bool) {
	begin, whole, n := s.at, true, int64(0)
	negative := s.peek() == '-'
	if negative {
		s.at++
	}
	for ; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; {
		case '0' <= c && c <= '9':
			n = n*10 + int64(c-'0')
			continue
		case c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-':
			whole = false
			continue
		}
		break
	}
	size := s.at - begin
	if size == 0 {
		return 0, false
	}
	if whole && size <= 18 {
		if negative {
			return -float64(n), size > 1
		}
		return float64(n), true
	}
	f, err := strconv.ParseFloat(string(s.data[begin:s.at]), 64)
	return f, err == nil
}

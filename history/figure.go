package history

import "strings"

// Figure is one of a kind's details that is a part of a run's time, in nanoseconds: one
// with the tag phase, as probes.Kind lists them.
type Figure struct {
	Name   string // in the details, such as tls_ns
	Within string // a figure that holds this one, too, where it is there
}

func (f Figure) phase() string { return strings.TrimSuffix(f.Name, "_ns") }

// numbers calls do for each field of a JSON object that is a whole number. It reads no
// deeper and allocates nothing: a controller reads thousands a second. It stops at
// what is no JSON.
func numbers(data []byte, do func(name []byte, n uint64)) {
	depth := 0
	var name []byte
	value := false // what comes next is the value of name
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			from := i + 1
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if i >= len(data) {
				return
			}
			if depth == 1 && !value {
				name = data[from:i]
			}
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ':' && depth == 1:
			value = true
		case c == ',' && depth == 1:
			value = false
		case c >= '0' && c <= '9' && depth == 1 && value:
			n, from := uint64(0), i
			for ; i < len(data) && data[i] >= '0' && data[i] <= '9'; i++ {
				n = n*10 + uint64(data[i]-'0')
			}
			if whole := i >= len(data) || data[i] == ',' || data[i] == '}' || data[i] == ' '; whole && i-from < 19 && data[from-1] != '-' {
				do(name, n)
			}
			for i < len(data) && data[i] != ',' && data[i] != '}' { // a fraction or an exponent
				i++
			}
			i--
		}
	}
}

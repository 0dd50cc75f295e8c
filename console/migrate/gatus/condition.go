package gatus

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/console/migrate"
	"netmon/wire"
)

// condition is one such as: [STATUS] == any(200, 429).
type condition struct{ left, op, right string }

// operators are Gatus's, in the order in which it looks for them.
var operators = []string{"==", "!=", "<=", ">=", ">", "<"}

var mirrored = map[string]string{"==": "==", "!=": "!=", "<=": ">=", ">=": "<=", ">": "<", "<": ">"}

func parse(text string) (condition, error) {
	for _, op := range operators {
		if left, right, ok := strings.Cut(text, " "+op+" "); ok {
			c := condition{strings.TrimSpace(left), op, strings.TrimSpace(right)}
			if !strings.Contains(c.left, "[") && strings.Contains(c.right, "[") {
				c = condition{c.right, mirrored[op], c.left}
			}
			return c, nil
		}
	}
	return condition{}, fmt.Errorf("it has no operator")
}

// outcome gathers what the conditions of an endpoint make of its options.
type outcome struct {
	e        *endpoint
	status   func(code int) bool // nil: none is asked for
	contains []string
	matches  []string
	never    []string
	json     []any
	within   time.Duration // the shortest that is asked for; 0: none
	days     int           // the most that are asked for, of the certificate
	rcodes   []string      // those that all conditions on it take; nil: none asks for any
}

// conditions carry the conditions, each or with what it loses. Without any the target has to
// answer, which it has to in Gatus whatever the conditions are.
func (e *endpoint) conditions() {
	out := outcome{e: e}
	for _, text := range e.Texts("conditions") {
		text, err := plain("it", text)
		if err == nil {
			var c condition
			if c, err = parse(text); err == nil {
				err = out.add(c)
			}
		}
		if err != nil {
			e.m.Lose("%s: %v", withoutSecret(text), err)
		}
	}
	out.set()
}

// withoutSecret is a condition without what is compared, where that most likely is a secret.
func withoutSecret(text string) string {
	if c, err := parse(text); err == nil && migrate.LooksSecret(c.left) {
		return c.left + " " + c.op + " ..."
	}
	return text
}

// only sets an option that netmon has one of. A second condition that wants another is lost.
func (out *outcome) only(option string, value any) error {
	if was := out.e.o.Get(option); was != nil && was != value {
		return fmt.Errorf("netmon has one %s: %v", option, was)
	}
	out.e.o.Set(option, value)
	return nil
}

// set sets the options that several conditions decide together.
func (out *outcome) set() {
	e := out.e
	if e.m.Kind == "http" || e.m.Kind == "https" {
		status := "100-599" // Gatus asks for a status only where a condition does
		if out.status != nil {
			status = migrate.StatusRanges(out.status)
		}
		if status == "" {
			e.m.Lose("[STATUS]: no status meets all conditions")
		} else {
			e.o.Set("expect.status", status)
		}
	}
	if len(out.contains) > 0 {
		e.o.Set("expect.body_contains", out.contains)
	}
	for i, re := range out.matches {
		if i == 0 {
			e.o.Set("expect.body_regex", re)
		} else {
			e.m.Lose("[BODY]: netmon has one body_regex; not %s", re)
		}
	}
	if len(out.never) > 0 {
		e.o.Set("expect.body_not_regex", strings.Join(out.never, "|"))
	}
	if len(out.json) > 0 {
		e.o.Set("expect.json", out.json)
	}
	if out.within > 0 {
		e.o.Set("within", wire.Duration(out.within).String())
	}
	if out.days > 0 {
		e.o.Set("expect.days_left", out.days)
	}
	if len(out.rcodes) > 0 {
		e.o.Set("expect.rcode", out.rcodes)
	}
}

// add carries one condition; an error says why it cannot.
func (out *outcome) add(c condition) error {
	e := out.e
	web := e.m.Kind == "http" || e.m.Kind == "https"
	switch {
	case c.left == "[CONNECTED]":
		if up := c.right == "true" == (c.op == "=="); !up {
			e.o.Set("invert", true)
		}
		return nil
	case c.left == "[STATUS]" && !web: // of ssh: the exit code
		if e.Has("ssh") {
			return fmt.Errorf("netmon runs no command over SSH")
		}
		return nil
	case c.left == "[STATUS]":
		return out.addStatus(c)
	case c.left == "[RESPONSE_TIME]":
		return out.addTime(c)
	case c.left == "[CERTIFICATE_EXPIRATION]":
		return out.addExpiry(c)
	case c.left == "[DOMAIN_EXPIRATION]":
		return fmt.Errorf("netmon does not ask whom a domain belongs to, and until when")
	case c.left == "[DNS_RCODE]" && e.m.Kind == "dns":
		codes, pattern := alternatives(c.right)
		if c.op != "==" || pattern {
			return fmt.Errorf("netmon wants response codes that are ok")
		}
		return out.addCodes(codes)
	case c.left == "[BODY]" && e.m.Kind == "dns":
		return out.addRecord(c)
	case strings.Contains(c.left, "[BODY]") && web:
		return out.addBody(c)
	case c.left == "[BODY]" && e.m.Kind == "tcp" && c.op == "==":
		return out.addAnswer(c)
	case c.left == "[BODY]" && e.m.Kind == "udp" && c.op == "==":
		return out.only("expect.regex", anchored(c.right))
	}
	return fmt.Errorf("netmon compares no %s", c.left)
}

// addCodes are the response codes that one condition takes: those count that all take.
func (out *outcome) addCodes(codes []string) error {
	both := codes
	if out.rcodes != nil {
		both = slices.DeleteFunc(slices.Clone(out.rcodes), func(code string) bool { return !slices.Contains(codes, code) })
	}
	if len(both) == 0 {
		return fmt.Errorf("no response code meets this and %s", strings.Join(out.rcodes, ", "))
	}
	out.rcodes = both
	return nil
}

// addAnswer is what a target says over TCP, to what was sent.
func (out *outcome) addAnswer(c condition) error {
	if steps, ok := out.e.o["steps"].([]any); ok {
		step := steps[0].(map[string]any)
		if was := step["expect"]; was != nil && was != anchored(c.right) {
			return fmt.Errorf("netmon compares an answer with one expression: %s", was)
		}
		step["expect"] = anchored(c.right)
		return nil
	}
	return fmt.Errorf("nothing is sent to be answered")
}

func (out *outcome) addStatus(c condition) error {
	is, err := compare(c)
	if err != nil {
		return err
	}
	if before := out.status; before != nil {
		out.status = func(code int) bool { return before(code) && is(code) }
	} else {
		out.status = is
	}
	return nil
}

// compare is a comparison of numbers.
func compare(c condition) (func(int) bool, error) {
	if c.op == "==" || c.op == "!=" {
		re, err := regexp.Compile(anchored(c.right))
		return func(n int) bool { return re.MatchString(strconv.Itoa(n)) == (c.op == "==") }, err
	}
	x, err := strconv.Atoi(c.right)
	if err != nil {
		return nil, fmt.Errorf("%s is no number", c.right)
	}
	return func(n int) bool {
		switch c.op {
		case "<":
			return n < x
		case "<=":
			return n <= x
		case ">":
			return n > x
		}
		return n >= x
	}, nil
}

func (out *outcome) addTime(c condition) error {
	ms, err := strconv.Atoi(c.right)
	d := time.Duration(ms) * time.Millisecond
	if err != nil {
		d, err = time.ParseDuration(c.right)
	}
	if err != nil || d <= 0 || c.op != "<" && c.op != "<=" {
		return fmt.Errorf("netmon has a longest time that is ok (within)")
	}
	if out.within == 0 || d < out.within {
		out.within = d
	}
	return nil
}

func (out *outcome) addExpiry(c condition) error {
	d, err := time.ParseDuration(c.right)
	if err != nil || c.op != ">" && c.op != ">=" || d <= 0 {
		return fmt.Errorf("netmon has a least number of days (days_left)")
	}
	e := out.e
	if e.m.Kind == "http" {
		return fmt.Errorf("it asks without TLS")
	}
	const day = 24 * time.Hour
	days := (d + day - 1) / day
	if days*day != d {
		e.m.Note("[CERTIFICATE_EXPIRATION] %s %s: netmon counts whole days: %d", c.op, c.right, days)
	}
	out.days = max(out.days, int(days))
	return nil
}

// addRecord is the data of a record, of which Gatus takes the last.
func (out *outcome) addRecord(c condition) error {
	if c.op != "==" {
		return fmt.Errorf("netmon wants a record that matches")
	}
	if c.right == "pat(*.*.*.*)" || c.right == "pat(*)" {
		return nil // any record of the type: netmon wants one anyway
	}
	return out.only("expect.answer", `\s`+whole(c.right)+`$`)
}

// anchored is an expression for a text, pat(...) or any(...), as a whole.
func anchored(text string) string {
	if _, pattern := alternatives(text); pattern {
		return "(?s)^" + whole(text) + "$"
	}
	return "^" + whole(text) + "$"
}

// whole is anchored without the ends.
func whole(text string) string {
	list, pattern := alternatives(text)
	if pattern {
		return glob(list[0])
	}
	for i := range list {
		list[i] = regexp.QuoteMeta(list[i])
	}
	if len(list) == 1 {
		return list[0]
	}
	return "(?:" + strings.Join(list, "|") + ")"
}

// alternatives are those of any(...), the pattern of pat(...), or the text itself.
func alternatives(text string) (list []string, pattern bool) {
	if inner, ok := call("pat", text); ok {
		return []string{inner}, true
	}
	inner, ok := call("any", text)
	if !ok {
		return []string{text}, false
	}
	for part := range strings.SplitSeq(inner, ",") {
		list = append(list, strings.TrimSpace(part))
	}
	return list, false
}

func call(name, text string) (inner string, ok bool) {
	inner, ok = strings.CutPrefix(text, name+"(")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, ")")
}

// glob is an expression for a pattern in which * stands for any text and ? for one character.
func glob(pattern string) string {
	text := regexp.QuoteMeta(pattern)
	return strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(text)
}

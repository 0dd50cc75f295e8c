package gatus

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"netmon/console/migrate"
)

// addBody is a condition on the body of an answer, or on what is at a path in it.
func (out *outcome) addBody(c condition) error {
	if strings.Contains(c.right, "[") && (strings.Contains(c.right, "[BODY]") || strings.Contains(c.right, "[CONTEXT]")) {
		return errors.New("netmon compares with no other part of the answer")
	}
	if inner, ok := call("has", c.left); ok {
		exists := c.right == "true" == (c.op == "==")
		return out.addJSON(inner, "exists", exists)
	}
	if inner, ok := call("len", c.left); ok {
		return out.addLength(inner, c)
	}
	if c.left == "[BODY]" {
		return out.addWhole(c)
	}
	if !strings.HasPrefix(c.left, "[BODY]") {
		return fmt.Errorf("netmon has nothing like %s", c.left)
	}
	if migrate.LooksSecret(c.left) {
		return errors.New("it compares a secret, most likely, and what a monitor expects is shown to whoever reads it")
	}
	switch c.op {
	case "==":
		if list, pattern := alternatives(c.right); !pattern && len(list) == 1 && isText(list[0]) {
			return out.addJSON(c.left, "equals", list[0])
		}
		return out.addJSON(c.left, "regex", anchored(c.right))
	case "!=":
		return errors.New("netmon says what is to be there, not what is not")
	}
	n, err := strconv.Atoi(c.right)
	if err != nil {
		return fmt.Errorf("%s is no whole number", c.right)
	}
	switch c.op { // Gatus cuts fractions off
	case ">":
		return out.addJSON(c.left, "min", n+1)
	case ">=":
		return out.addJSON(c.left, "min", n)
	case "<":
		return out.addJSON(c.left, "max", n-1)
	}
	return out.addJSON(c.left, "max", n)
}

// isText says whether what is equal to it in JSON can only be text.
func isText(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err != nil && s != "true" && s != "false" && s != "null" && s != "" && !strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "[")
}

func (out *outcome) addJSON(place, what string, value any) error {
	path, err := jsonPath(place)
	if err != nil {
		return err
	}
	out.json = append(out.json, map[string]any{"path": path, what: value})
	return nil
}

// addLength is a length, of which netmon only knows whether it is nothing.
func (out *outcome) addLength(place string, c condition) error {
	n, err := strconv.Atoi(c.right)
	some := c.op == ">" && n == 0 || c.op == ">=" && n == 1 || c.op == "!=" && n == 0
	switch {
	case err != nil || !some:
		return errors.New("netmon counts no lengths")
	case place == "[BODY]":
		out.e.o.Set("expect.min_bytes", 1)
		return nil
	}
	return out.addJSON(place, "regex", `^(?:\[\s*[^\]\s]|[^\[])`) // a list with something in it, or any text
}

// addWhole is a condition on the body as a whole.
func (out *outcome) addWhole(c condition) error {
	if c.op != "==" && c.op != "!=" {
		return errors.New("netmon compares texts, and numbers at a path")
	}
	re := anchored(c.right)
	if list, pattern := alternatives(c.right); pattern {
		inner := strings.Trim(list[0], "*")
		if strings.HasPrefix(list[0], "*") && strings.HasSuffix(list[0], "*") && inner != "" && !strings.ContainsAny(inner, "*?") {
			if c.op == "==" {
				out.contains = append(out.contains, inner)
				return nil
			}
			re = regexp.QuoteMeta(inner)
		}
	}
	if c.op == "!=" {
		out.never = append(out.never, re)
		return nil
	}
	out.matches = append(out.matches, re)
	return nil
}

var pathStep = regexp.MustCompile(`^(?:\.?([^.\[\]]+)|\[(\d+)\])`)

// jsonPath is netmon's path of a place such as [BODY].data[0].id.
func jsonPath(place string) (string, error) {
	rest := strings.TrimPrefix(place, "[BODY]")
	path := "$"
	for rest != "" {
		m := pathStep.FindStringSubmatch(rest)
		if m == nil {
			return "", fmt.Errorf("netmon knows no path like %s", place)
		}
		switch {
		case m[2] != "":
			path += "[" + m[2] + "]"
		case plainName.MatchString(m[1]):
			path += "." + m[1]
		default:
			path += "[" + strconv.Quote(m[1]) + "]"
		}
		rest = rest[len(m[0]):]
	}
	return path, nil
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

package wire

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const docPath = "../subjects.md"

// tables are the parts of subjects.md that are made from the code, each
// between <!-- NAME --> and <!-- /NAME -->.
func tables(t *testing.T) map[string]string {
	out := map[string]string{"subjects": subjectsTable(), "failures": failuresTable(), "blame": blameTable(), "severity": severityTable()}
	comments := fieldComments(t)
	for _, typ := range messages() {
		out["fields "+typ.Name()] = fieldsTable(t, typ, comments)
	}
	return out
}

func subjectsTable() string {
	var b strings.Builder
	b.WriteString("| subject | from | to | message | what for |\n|---|---|---|---|---|\n")
	for _, s := range Subjects {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Pattern, s.From, s.To, s.Payload, s.Purpose)
	}
	return b.String()
}

func failuresTable() string {
	var b strings.Builder
	b.WriteString("| failure | outcome | meaning |\n|---|---|---|\n")
	for _, f := range Failures {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Failure, f.Outcome, f.Meaning)
	}
	return b.String()
}

func blameTable() string {
	var b strings.Builder
	b.WriteString("| class | meaning |\n|---|---|\n")
	for _, c := range BlameClasses {
		fmt.Fprintf(&b, "| `%s` | %s |\n", c.Class, c.Meaning)
	}
	return b.String()
}

func severityTable() string {
	var b strings.Builder
	b.WriteString("| severity | meaning |\n|---|---|\n")
	for _, s := range Severities {
		fmt.Fprintf(&b, "| `%s` | %s |\n", s.Severity, s.Meaning)
	}
	return b.String()
}

// fieldsTable lists a message's fields with the comments they have in the code.
func fieldsTable(t *testing.T, typ reflect.Type, comments map[string]string) string {
	var b strings.Builder
	b.WriteString("| field | type | meaning |\n|---|---|---|\n")
	for f := range typ.Fields() {
		if f.Anonymous {
			fmt.Fprintf(&b, "| | | every field of %s, and: |\n", f.Name)
			continue
		}
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		meaning := comments[typ.Name()+"."+f.Name]
		if meaning == "" || strings.Contains(meaning, "|") {
			t.Errorf("%s.%s has a comment that is no table cell: %q", typ.Name(), f.Name, meaning)
		}
		kind := docType(f.Type)
		if opts != "" {
			kind += ", may be absent"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, kind, meaning)
	}
	return b.String()
}

// docType names the JSON form of a field for readers who know no Go.
func docType(t reflect.Type) string {
	switch t.String() {
	case "time.Time", "*time.Time":
		return "time (RFC 3339)"
	case "wire.Duration":
		return `duration ("10s")`
	case "json.RawMessage":
		return "object"
	case "wire.Selectors":
		return "selectors"
	case "wire.Quorum":
		return "quorum"
	case "wire.Strikes":
		return `string ("2/3")`
	case "*wire.Crosscheck":
		return "whole number or off"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return docType(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "string"
	case reflect.Struct:
		return "[" + t.Name() + "](#" + strings.ToLower(t.Name()) + ")"
	case reflect.Slice:
		return "list of " + docType(t.Elem())
	case reflect.Map:
		return "object of " + docType(t.Elem())
	case reflect.Float64:
		return "number"
	}
	return "whole number"
}

// fieldComments reads the comments of all struct fields, by "Type.Field".
func fieldComments(t *testing.T) map[string]string {
	out := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			typ, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := typ.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					for _, name := range f.Names {
						out[typ.Name.Name+"."+name.Name] = strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
					}
				}
			}
			return false
		})
	}
	return out
}

func TestSubjectsDoc(t *testing.T) {
	doc, err := os.ReadFile(docPath)
	if err != nil {
		t.Fatal(err)
	}
	made := bytes.Clone(doc)
	for name, table := range tables(t) {
		open, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
		before, rest, ok1 := bytes.Cut(made, []byte(open))
		_, after, ok2 := bytes.Cut(rest, []byte(end))
		if !ok1 || !ok2 {
			t.Errorf("%s lacks the markers %q and %q", docPath, open, end)
			continue
		}
		made = []byte(string(before) + open + table + end + string(after))
	}
	if bytes.Equal(doc, made) {
		return
	}
	if !*update {
		t.Errorf("%s differs from the code; rewrite its tables with go test ./wire -update", docPath)
		return
	}
	if err := os.WriteFile(docPath, made, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSubjectsDoc_Examples decodes every JSON example: each fence ```json says
// which message it holds, and on which subject where that matters.
func TestSubjectsDoc_Examples(t *testing.T) {
	doc, err := os.ReadFile(docPath)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile("(?ms)^```json *([^\n]*)\n(.*?)^```").FindAllSubmatch(doc, -1) {
		kind, subject, _ := strings.Cut(string(m[1]), " ")
		seen[kind] = true
		data := m[2]
		switch kind {
		case "Command":
			strictly(t, data, &Command{})
			_, err = DecodeCommand(data)
		case "Reply":
			strictly(t, data, &Reply{})
		case "Result":
			strictly(t, data, &Result{})
			_, err = DecodeResult(subject, data)
		case "Verdict":
			strictly(t, data, &Verdict{})
			_, err = DecodeVerdict(subject, data)
		case "AgentVerdict":
			strictly(t, data, &AgentVerdict{})
			_, err = DecodeAgentVerdict(subject, data)
		case "Incident":
			strictly(t, data, &Incident{})
			_, err = DecodeIncident(subject, data)
		case "GroupVerdict":
			strictly(t, data, &GroupVerdict{})
			_, err = DecodeGroupVerdict(subject, data)
		case "Placement":
			strictly(t, data, &Placement{})
			_, err = DecodePlacement(subject, data)
		case "Trouble":
			strictly(t, data, &Trouble{})
			_, err = DecodeTrouble(subject, data)
		case "ChannelStatus":
			strictly(t, data, &ChannelStatus{})
			_, err = DecodeChannelStatus(subject, data)
		case "Notice":
			strictly(t, data, &Notice{})
			_, err = DecodeNotice(subject, data)
		case "Delivery":
			strictly(t, data, &Delivery{})
			_, err = DecodeDelivery(subject, data)
		case "Setting":
			var s Setting
			if s, err = DecodeSetting(subject, data, 1); err == nil {
				strictly(t, data, s)
			}
		case "Alive":
			strictly(t, data, &Alive{})
			_, err = DecodeAlive(subject, data)
		case "Saved":
			strictly(t, data, &Saved{})
			_, err = DecodeSaved(data, 1)
		case "Proof":
			strictly(t, data, &Proof{})
			_, err = DecodeProof(strings.TrimSpace(string(data)))
		case "Trust":
			strictly(t, data, &Trust{})
		case "Delegation":
			_, err = DecodeDelegation(data)
		case "HistoryHour":
			strictly(t, data, &HistoryHour{})
			_, err = DecodeHistoryHour(subject, data)
		case "HistoryQuery":
			_, err = DecodeHistoryQuery(data)
		case "HistoryReply":
			strictly(t, data, &HistoryReply{})
			_, err = DecodeHistoryReply(data)
		default:
			t.Errorf("an example of %q: want ```json Command, Reply, Result SUBJECT, Alive SUBJECT, Saved, Proof, Trust, or another message and its SUBJECT\n%s", m[1], data)
		}
		if err != nil {
			t.Errorf("%v\n%s", err, data)
		}
	}
	for _, kind := range []string{"Command", "Reply", "Result", "Alive", "Saved", "Verdict", "GroupVerdict", "Placement", "Incident", "Trouble", "Notice", "Delivery", "ChannelStatus", "Setting", "HistoryHour", "HistoryQuery", "HistoryReply"} {
		if !seen[kind] {
			t.Errorf("no example of a %s", kind)
		}
	}
}

// TestSubjectsDoc_Requests decodes every request that the document has people type.
func TestSubjectsDoc_Requests(t *testing.T) {
	doc, err := os.ReadFile(docPath)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`nats req [^']*?(\S+) '([^']*)'`).FindAllSubmatch(doc, -1)
	if len(found) == 0 {
		t.Error("no example of nats req")
	}
	for _, m := range found {
		if string(m[1]) == HistorySubject {
			if _, err := DecodeHistoryQuery(m[2]); err != nil {
				t.Errorf("%s: %v", m[2], err)
			}
			continue
		}
		if want, err := CommandSubject("paris"); string(m[1]) != want {
			t.Errorf("request on %s, want %s (%v)", m[1], want, err)
		}
		strictly(t, m[2], &Command{})
		if _, err := DecodeCommand(m[2]); err != nil {
			t.Errorf("%s: %v", m[2], err)
		}
	}
}

// TestSubjectsDoc_Limits checks figures that the prose gives.
func TestSubjectsDoc_Limits(t *testing.T) {
	doc, err := os.ReadFile(docPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"{0," + strconv.Itoa(MaxToken-1) + "}",
		"every " + strconv.Itoa(int(AliveEvery.Seconds())) + " s",
		"offline after " + strconv.Itoa(int(OfflineAfter.Seconds())) + " s",
		"`" + ResultsStream + "`", "`" + AgentsStream + "`", "`" + MonitorsBucket + "`", "`" + AllResults + "`", "`" + AllAlive + "`",
	} {
		if !strings.Contains(string(doc), want) {
			t.Errorf("%s does not say %q", docPath, want)
		}
	}
}

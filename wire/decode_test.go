package wire

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// usual is the result in a file as agents write it, and the subject that they publish it on.
func usual(t testing.TB, file string) (subject string, data []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if data, err = json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	if subject, err = ResultSubject(r.Agent, r.Monitor); err != nil {
		t.Fatal(err)
	}
	return subject, data
}

// TestDecodeResult_ReadsTheUsualByHand: what agents write does not take the
// slow way, and comes out the same.
func TestDecodeResult_ReadsTheUsualByHand(t *testing.T) {
	for _, file := range []string{"result-ok.json", "result-failed.json"} {
		subject, data := usual(t, file)
		s := scanner{data: data}
		if !s.usual(subject, &Result{}) || !UsualResult(subject, data) {
			t.Errorf("%s is read by encoding/json", file)
		}
		sameAsJSON(t, subject, data)
	}
}

// TestDecodeResult_AsEncodingJSON is about what differs easily.
func TestDecodeResult_AsEncodingJSON(t *testing.T) {
	for _, fields := range []string{
		``, `"seq":1`, `"seq":-1`, `"seq":01`, `"seq":1.0`, `"seq":1e3`, `"seq":18446744073709551615`, `"seq":18446744073709551616`, `"seq":"1"`, `"seq":null`,
		`"elapsed_ns":-5`, `"elapsed_ns":-`, `"elapsed_ns":-0`, `"elapsed_ns":9223372036854775808`, `"latency_ns":null`, `"latency_ns":0`,
		`"kind":"a\u00e9\n\"x"`, `"kind":"\ud800"`, "\"kind\":\"\xff\"", `"kind":"é"`, `"kind":7`, `"kind":null`, "\"kind\":\"a\tb\"", `"kind":"\x"`, `"kind":"\u12"`,
		`"Kind":"other"`, `"KIND":"x","kind":"y"`, `"kind":"x","kind":"y"`, `"k\u0069nd":"x"`, `"future":{"a":[1,2,{}]}`,
		`"due":"2026-01-02T03:04:05Z"`, `"due":"2026-01-02T03:04:05.123456789+02:00"`, `"due":"2026-01-02 03:04:05Z"`, `"due":null`, `"due":5`, `"due":"2026-01-02T3:04:05Z"`,
		`"loss":0.25`, `"loss":1`, `"loss":null`, `"loss":"1"`, `"loss":1e999`, `"loss":.5`, `"loss":1.`, `"loss":1e`,
		`"cert_expires":"2026-01-02T03:04:05Z"`, `"cert_expires":null`, `"unmet":[{"expect":"a","want":"b","got":"c"}]`, `"unmet":[]`, `"unmet":null`, `"unmet":{}`,
		`"details":null`, `"details":{}`, `"details": { "a" : [ 1 , -2.5e+3 , true , false , null , "x" ] } `, `"details":[1,]`, `"details":{"a":1,}`, `"details":{"a"}`,
		`"details":01`, `"details":-`, `"details":tru`, `"details":"\q"`, `"details":[[[[]]]]`, `"details":{1:2}`, `"details":""`, "\"details\":\"\xff\"", `"details":[1 2]`,
		`"outcome":"ok","failure":"","error":"x"`, `"agent":"a"`, `"monitor":"n"`, `"agent":"b"`, `,`, `"seq":1,`, `"seq":1}{`, `"seq":1}x`,
	} {
		sameAsJSON(t, "results.a.m", []byte(`{"agent":"a","monitor":"m",`+fields+`}`))
		sameAsJSON(t, "results.a.m", []byte(` { "agent" : "a" , "monitor" : "m" , `+fields+` } `))
	}
	for _, data := range []string{``, `{}`, `null`, `[]`, `{"agent":"a"}`, `{"monitor":"m"}`, `{"agent":"a","monitor":"m"`, `{"agent":"\u0061","monitor":"m"}`, `"`, `{"`, `{"a`, `{"a":`, `{"agent":"a","monitor":"m"} `} {
		for _, subject := range []string{"results.a.m", "results.a.m.x", "results.a", "results..m", "agent.a.m", "results.a b.m", ""} {
			sameAsJSON(t, subject, []byte(data))
		}
	}
	deep := append(bytes.Repeat([]byte("["), 200), bytes.Repeat([]byte("]"), 200)...)
	sameAsJSON(t, "results.a.m", append(append([]byte(`{"agent":"a","monitor":"m","details":`), deep...), '}'))
}

// sameAsJSON fails when DecodeResult and encoding/json do not agree.
func sameAsJSON(t *testing.T, subject string, data []byte) {
	t.Helper()
	before := bytes.Clone(data)
	got, err := DecodeResult(subject, data)
	want, wantErr := decodeAny(subject, data)
	if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Errorf("%s %q: error %v, want %v", subject, data, err, wantErr)
	}
	if UsualResult(subject, data) && (wantErr != nil || bytes.Contains(data, []byte("\n"))) {
		t.Errorf("%s %q passes on unread: %v", subject, data, wantErr)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s %q:\n%+v, want\n%+v", subject, data, got, want)
	}
	for i := range data { // the result keeps nothing of the message
		data[i] = 'x'
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s %q: what was decoded changes with the message", subject, before)
	}
}

func FuzzDecodeResult(f *testing.F) {
	for _, file := range []string{"result-ok.json", "result-failed.json"} {
		subject, data := usual(f, file)
		f.Add(subject, data)
	}
	f.Add("results.a.m", []byte(`{"agent":"a","monitor":"m","loss":1e5,"asked":"K\u00e9\"","unmet":[{"got":"\u00e9"}],"details":{"x":[1,-2.5,null,true]}}`))
	f.Fuzz(func(t *testing.T, subject string, data []byte) { sameAsJSON(t, subject, data) })
}

func BenchmarkDecodeResult(b *testing.B) {
	look := func(subject string, data []byte) (Result, error) {
		if !UsualResult(subject, data) {
			b.Fatal("not usual")
		}
		return Result{}, nil
	}
	for name, decode := range map[string]func(string, []byte) (Result, error){"by hand": DecodeResult, "a look": look, "encoding/json": decodeAny} {
		for _, file := range []string{"result-ok.json", "result-failed.json"} {
			subject, data := usual(b, file)
			b.Run(name+"/"+file, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(data)))
				for range b.N {
					if _, err := decode(subject, data); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

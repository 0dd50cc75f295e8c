package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// exits CODE ARGS... runs netmon as a process and checks its exit code. What
// it prints goes to the files out and err of the script's folder; an argument
// @NAME is the path of a file of the script.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	for i, a := range args {
		if strings.HasPrefix(a, "@") {
			args[i] = ts.MkAbs(a[1:])
		}
	}
	err = ts.Exec("netmon", args[1:]...)
	var exit *exec.ExitError
	code := 0
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	folder := ts.MkAbs(".") + "/"
	for stream, file := range map[string]string{"stdout": "out", "stderr": "err"} {
		text := strings.ReplaceAll(ts.ReadFile(stream), folder, "")
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
	if code != want {
		ts.Fatalf("netmon %s exits %d, want %d", strings.Join(args[1:], " "), code, want)
	}
}

// mode OCTAL FILE checks who may read a file.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode OCTAL FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

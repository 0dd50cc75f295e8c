package exec

import "netmon/probes"

func metrics() []probes.Metric {
	all := []probes.Metric{
		{Name: "probe_exec_exit_code", Help: "Exit code of the program: 0 is ok, 1 warning, 2 critical, 3 unknown.", Figure: "exit_code"},
		{Name: "probe_exec_duration_seconds", Help: "Time from the start of the program to its end, in seconds.", Figure: "run_ns"},
		{Name: "probe_exec_cpu_seconds", Help: "CPU time that the program took, in seconds.", Figure: "cpu_ns"},
		{Name: "probe_exec_output_bytes", Help: "Length of the output of the program, in bytes.", Figure: "output_bytes"},
	}
	for _, q := range []struct{ quantity, suffix, help string }{
		{"number", "", "A value of the program's performance data that has no unit, or an unknown one."},
		{"seconds", "_seconds", "A time in the program's performance data, in seconds."},
		{"bytes", "_bytes", "A size in the program's performance data, in bytes."},
		{"percent", "_percent", "A share in the program's performance data, in percent."},
		{"counter", "_counter", "A counter in the program's performance data, as the program writes it."},
	} {
		all = append(all, probes.Metric{Name: "probe_exec_perfdata" + q.suffix, Help: q.help, Label: "label",
			Each: &probes.Each{List: "perfdata", Label: "label", Number: "base", Where: "quantity", Is: q.quantity}})
	}
	return all
}

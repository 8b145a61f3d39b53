package foreign_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"flowbot/service"
	"flowbot/service/foreign"
)

// BenchmarkPages takes PDFs of A4 in colour at 300 dpi apart: as scanners write
// them, four times as many, turned, and such as must be drawn.
func BenchmarkPages(b *testing.B) {
	own := noisy(b, 2480, 3508)
	again := func(n int) [][]byte {
		out := make([][]byte, n)
		for i := range out {
			out[i] = own
		}
		return out
	}
	for _, bench := range []struct {
		name string
		file func() []byte
	}{
		{"taken as it is", func() []byte { return sheets(again(105)...) }},
		{"four times as many", func() []byte { return sheets(again(420)...) }},
		{"turned", func() []byte { return sheetsWith("/Rotate 90", "", again(105)...) }},
		{"drawn", func() []byte { return sheetsWith("", "/Decode [0 1 0 1 1 0]", again(40)...) }},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkPages(b, bench.file()) })
	}
}

// benchmarkPages tells beside the time what the children took of the processor
// and of memory, and when the first page was there.
func benchmarkPages(b *testing.B, file []byte) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "file")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		b.Fatal(err)
	}
	r, err := foreign.New(foreign.Options{Command: []string{child}, TempDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &before); err != nil {
		b.Fatal(err)
	}
	pages, first, memory := 0, time.Duration(0), 0.0
	for b.Loop() {
		started := time.Now()
		_, err := r.Pages(context.Background(), path, func(p service.ForeignPage, content io.Reader) error {
			if p.Refusal != "" {
				b.Fatalf("page %d: %s", p.Number, p.Refusal)
			}
			if p.Number == 1 {
				first += time.Since(started)
			}
			if pages++; p.Number%20 == 0 {
				memory = max(memory, memoryOfChild(b))
			}
			_, err := io.Copy(io.Discard, content)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &after); err != nil {
		b.Fatal(err)
	}
	cpu := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	b.ReportMetric(float64(len(file))/1e6, "MB")
	b.ReportMetric(float64(pages)/float64(b.N), "pages")
	b.ReportMetric(cpu.Seconds()*1000/float64(pages), "cpu-ms/page")
	b.ReportMetric(first.Seconds()*1000/float64(b.N), "ms-to-first")
	b.ReportMetric(memory, "MB-of-child")
}

// memoryOfChild is the most memory that the process which this one has started
// ever had, in MiB.
func memoryOfChild(b *testing.B) float64 {
	b.Helper()
	files, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		b.Fatal(err)
	}
	most := 0.0
	for _, file := range files {
		pids, _ := os.ReadFile(file) // a thread may have ended
		for pid := range strings.FieldsSeq(string(pids)) {
			status, _ := os.ReadFile(filepath.Join("/proc", pid, "status")) // likewise
			if _, peak, ok := strings.Cut(string(status), "VmHWM:"); ok {
				n, err := strconv.ParseFloat(strings.Fields(peak)[0], 64)
				if err != nil {
					b.Fatal(err)
				}
				most = max(most, n/1024)
			}
		}
	}
	return most
}

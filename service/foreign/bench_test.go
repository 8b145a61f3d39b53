package foreign_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"flowbot/service"
	"flowbot/service/foreign"
)

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
	pages, first := 0, time.Duration(0)
	for b.Loop() {
		started := time.Now()
		_, err := r.Pages(context.Background(), path, func(p service.ForeignPage, content io.Reader) error {
			if p.Refusal != "" {
				b.Fatalf("page %d: %s", p.Number, p.Refusal)
			}
			if p.Number == 1 {
				first += time.Since(started)
			}
			pages++
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
	b.ReportMetric(float64(after.Maxrss)/1024, "MB-of-child")
}

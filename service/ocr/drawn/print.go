package drawn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"flowbot/service"
)

// prints are sheets printed by the project's own printer, as pictures in 300 dpi,
// one after the other. They are not safe for concurrent use.
type prints struct {
	cmd  *exec.Cmd
	pipe io.ReadCloser
	in   *bufio.Reader
	file string
}

// newPrints prints a form. Dir is for the print; close ends it.
func newPrints(ctx context.Context, press Press, form service.CertificateForm, dir string) (*prints, error) {
	data, err := press.Certificates(ctx, form)
	if err != nil {
		return nil, fmt.Errorf("print a corpus: %w", err)
	}
	p := &prints{file: filepath.Join(dir, "print.pdf")}
	if err := os.WriteFile(p.file, data, 0o600); err != nil {
		return nil, fmt.Errorf("print a corpus: %w", err)
	}
	p.cmd = exec.CommandContext(ctx, "pdftoppm", "-r", strconv.Itoa(dpi), "-gray", p.file) //nolint:gosec // a path of our own
	if p.pipe, err = p.cmd.StdoutPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("draw print: %w", err), os.Remove(p.file))
	}
	p.in = bufio.NewReader(p.pipe)
	return p, nil
}

// next is the next sheet.
func (p *prints) next() (*image.Gray, error) {
	var w, h, most int
	if _, err := fmt.Fscanf(p.in, "P5\n%d %d\n%d\n", &w, &h, &most); err != nil || most != 255 {
		return nil, fmt.Errorf("read print: no PGM of 255 levels: %w", err)
	}
	g := image.NewGray(image.Rect(0, 0, w, h))
	if _, err := io.ReadFull(p.in, g.Pix); err != nil {
		return nil, fmt.Errorf("read print: %w", err)
	}
	return g, nil
}

// close ends the printing, also before its last sheet.
func (p *prints) close() error {
	_ = p.pipe.Close() // it ends when nobody reads any more
	_ = p.cmd.Wait()   // how, is of no interest: sheets that were needed have been read
	return os.Remove(p.file)
}

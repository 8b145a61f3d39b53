package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"flowbot/service"
)

// The beginnings by which a file is known.
var (
	zipMagic  = []byte("PK\x03\x04")
	oleMagic  = []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") // .xls, and .xlsx with a password
	utf8Mark  = []byte("\xef\xbb\xbf")
	utf16LE   = []byte("\xff\xfe")
	utf16BE   = []byte("\xfe\xff")
	encrypted = utf16Bytes("EncryptedPackage") // the stream that holds an encrypted .xlsx
)

func utf16Bytes(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// Read returns the sheets of the table at path. See service.SheetBook.
func Read(path string) ([]service.Sheet, error) {
	kind, err := recognise(path)
	if err != nil {
		return nil, err
	}
	if kind == textTable {
		return readText(path)
	}
	var out []service.Sheet
	err = withWorkbook(path, func(f *excelize.File) error {
		out, err = readSheets(f)
		return err
	})
	return out, err
}

type kind int

const (
	textTable kind = iota
	workbook
)

// recognise says by content what a file is.
func recognise(path string) (kind, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	switch size := info.Size(); {
	case size == 0:
		return 0, refuse(service.ReasonSheetEmpty, nil)
	case size > maxFile:
		return 0, exceeds(service.ReasonSheetTooBig, maxFile, size)
	}
	head := make([]byte, len(oleMagic))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, err
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, zipMagic):
		return workbook, nil
	case bytes.Equal(head, oleMagic):
		rest, err := io.ReadAll(f)
		if err != nil {
			return 0, err
		}
		if bytes.Contains(rest, encrypted) {
			return 0, refuse(service.ReasonSheetEncrypted, nil)
		}
		return 0, refuse(service.ReasonSheetOld, nil)
	case info.Size() > maxText:
		return 0, exceeds(service.ReasonSheetTooBig, maxText, info.Size())
	}
	return textTable, nil
}

// withWorkbook opens a workbook within the limits, does something with it and
// closes it. A panic of the library has met a damaged file.
func withWorkbook(path string, do func(*excelize.File) error) (err error) {
	if err := checkParts(path); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "flowbot-sheet-")
	if err != nil {
		return fmt.Errorf("make a directory for parts: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // left over, it is swept with the system's temporary files
	defer func() {
		if p := recover(); p != nil {
			err = refuse(service.ReasonSheetUnreadable, errors.New("the library panicked"))
		}
	}()
	f, err := excelize.OpenFile(path, excelize.Options{
		RawCellValue: true, UnzipSizeLimit: maxUnzip, UnzipXMLSizeLimit: inMemory, TmpDir: dir,
	})
	if err != nil {
		return refuse(service.ReasonSheetUnreadable, err)
	}
	defer func() { _ = f.Close() }() // its files are in dir
	return do(f)
}

// checkParts unpacks a workbook once without keeping anything: what its parts
// claim to be is believed only then, and a part that is cut off is found. The
// library keeps silent about it.
func checkParts(path string) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return refuse(service.ReasonSheetUnreadable, err)
	}
	defer func() { _ = z.Close() }()
	if len(z.File) > maxParts {
		return refuse(service.ReasonSheetUnreadable, fmt.Errorf("%d parts", len(z.File)))
	}
	var all, other, tags int64
	book := false
	for _, part := range z.File {
		name := strings.ToLower(strings.ReplaceAll(part.Name, `\`, "/"))
		book = book || name == "xl/workbook.xml"
		isSheet := strings.HasPrefix(name, "xl/worksheets/sheet")
		c := counter{limit: maxUnzip - all}
		if !isSheet {
			c.limit = min(c.limit, maxOther-other)
		}
		// What it claims is what the library reserves, so it must be honest.
		if claimed := part.UncompressedSize64; claimed > uint64(c.limit) { //nolint:gosec // what is left is never negative
			return exceeds(service.ReasonSheetTooBig, maxUnzip, int64(min(claimed, 1<<62)))
		}
		if err := unpack(part, &c); err != nil {
			return err
		}
		all += c.bytes
		if !isSheet {
			other += c.bytes
			tags += c.tags
		} else if !c.ends("worksheet>") && !c.ends("sheet>") {
			return refuse(service.ReasonSheetUnreadable, errors.New("a sheet is cut off"))
		}
		if tags > maxTags {
			return exceeds(service.ReasonSheetTooBig, maxOther, other)
		}
	}
	if !book {
		return refuse(service.ReasonSheetUnreadable, errors.New("no xl/workbook.xml"))
	}
	return nil
}

func unpack(part *zip.File, c *counter) error {
	r, err := part.Open()
	if err != nil {
		return refuse(service.ReasonSheetUnreadable, err)
	}
	defer func() { _ = r.Close() }()
	_, err = io.Copy(c, r) //nolint:gosec // the counter stops at its limit
	switch {
	case errors.Is(err, errTooMuch):
		return exceeds(service.ReasonSheetTooBig, maxUnzip, c.bytes)
	case err != nil:
		return refuse(service.ReasonSheetUnreadable, err)
	}
	return nil
}

var errTooMuch = errors.New("more than the limit")

// counter counts what is written to it and remembers its end.
type counter struct {
	limit, bytes, tags int64
	tail               []byte
}

const tailLength = 64

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	c.tags += int64(bytes.Count(p, []byte("<")))
	c.tail = append(c.tail, p[max(0, len(p)-tailLength):]...)
	c.tail = c.tail[max(0, len(c.tail)-tailLength):]
	if c.bytes > c.limit {
		return 0, errTooMuch
	}
	return len(p), nil
}

func (c *counter) ends(with string) bool {
	return bytes.HasSuffix(bytes.TrimSpace(c.tail), []byte(with))
}

func readSheets(f *excelize.File) ([]service.Sheet, error) {
	names := f.GetSheetList()
	switch {
	case len(names) == 0:
		return nil, refuse(service.ReasonSheetUnreadable, errors.New("no sheets"))
	case len(names) > maxSheets:
		return nil, exceeds(service.ReasonSheetTooManySheets, maxSheets, int64(len(names)))
	}
	props, err := f.GetWorkbookProps()
	if err != nil {
		return nil, refuse(service.ReasonSheetUnreadable, err)
	}
	base1904 := props.Date1904 != nil && *props.Date1904
	var left budget
	out := make([]service.Sheet, 0, len(names))
	for _, name := range names {
		visible, err := f.GetSheetVisible(name)
		if err != nil {
			return nil, refuse(service.ReasonSheetUnreadable, err)
		}
		sh := service.Sheet{Name: clean(name), Hidden: !visible, Base1904: base1904}
		if visible {
			if sh.Rows, err = readRows(f, name, &left); err != nil {
				return nil, err
			}
		}
		out = append(out, sh)
	}
	return out, nil
}

func readRows(f *excelize.File, name string, left *budget) (out []service.SheetRow, err error) {
	rows, err := f.Rows(name)
	if err != nil {
		return nil, refuse(service.ReasonSheetUnreadable, err)
	}
	defer func() {
		if closed := rows.Close(); err == nil && closed != nil {
			out, err = nil, refuse(service.ReasonSheetUnreadable, closed)
		}
	}()
	for number := 1; rows.Next(); number++ {
		raw, err := rows.Columns()
		if err != nil {
			return nil, refuse(service.ReasonSheetUnreadable, err)
		}
		if out, err = left.row(out, number, raw); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readText reads a text table as one sheet without a name.
func readText(path string) ([]service.Sheet, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text, err := decode(b)
	if err != nil {
		return nil, err
	}
	text, comma := delimiter(text)
	rows, err := readRecords(text, comma, false)
	var malformed *csv.ParseError
	if errors.As(err, &malformed) {
		// A quote inside of a text, as in: ООО "Ромашка".
		rows, err = readRecords(text, comma, true)
	}
	if errors.As(err, &malformed) {
		return nil, refuse(service.ReasonSheetUnreadable, fmt.Errorf("a quote that does not end, in line %d", malformed.Line))
	}
	if err != nil {
		return nil, err
	}
	return []service.Sheet{{Rows: rows}}, nil
}

func readRecords(text string, comma rune, lazy bool) ([]service.SheetRow, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = comma, lazy, -1, true
	var (
		left  budget
		out   []service.SheetRow
		extra int // lines that are inside of cells
	)
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		number := line - extra
		for _, cell := range record {
			inside := strings.Count(cell, "\n")
			extra += inside
			if lazy && inside > 0 {
				// A quote that was never closed has swallowed rows.
				return nil, &csv.ParseError{StartLine: line, Line: line, Err: csv.ErrQuote}
			}
		}
		if out, err = left.row(out, number, record); err != nil {
			return nil, err
		}
	}
}

// decode turns a text file into UTF-8: by its mark, else as it is when it is
// UTF-8, else from windows-1251. What holds control characters is no text.
func decode(b []byte) (string, error) {
	var text string
	switch {
	case bytes.HasPrefix(b, utf16LE):
		text = fromUTF16(b[len(utf16LE):], binary.LittleEndian)
	case bytes.HasPrefix(b, utf16BE):
		text = fromUTF16(b[len(utf16BE):], binary.BigEndian)
	case utf8.Valid(b):
		text = string(bytes.TrimPrefix(b, utf8Mark))
	default:
		decoded, err := charmap.Windows1251.NewDecoder().Bytes(b)
		if err != nil {
			return "", refuse(service.ReasonSheetUnreadable, err)
		}
		text = string(decoded)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' }); i >= 0 {
		return "", refuse(service.ReasonSheetUnreadable, errors.New("control characters"))
	}
	return text, nil
}

func fromUTF16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// never is a delimiter that no text holds, see decode.
const never = '\x1f'

// delimiter finds what parts the cells: what Excel was told in a first line
// sep=;, else what occurs most often in the first line that is no remark.
func delimiter(text string) (rest string, comma rune) {
	first, after, _ := strings.Cut(text, "\n")
	if sep, ok := strings.CutPrefix(strings.ToLower(strings.TrimRight(first, "\r")), "sep="); ok && len(sep) == 1 && slices.Contains([]string{";", ",", "\t"}, sep) {
		return after, rune(sep[0])
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		comma, most := never, 0
		quoted := false
		counts := map[rune]int{}
		for _, r := range line {
			if r == '"' {
				quoted = !quoted
			}
			if !quoted {
				counts[r]++
			}
		}
		for _, r := range []rune{';', '\t', ','} {
			if counts[r] > most {
				comma, most = r, counts[r]
			}
		}
		return text, comma
	}
	return text, never
}

// clean makes a cell plain: NFC, a space for each kind of space and for control
// characters, nothing that cannot be seen, no spaces at the ends.
func clean(cell string) string {
	if len(cell) > maxCell {
		cell = cell[:maxCell]
	}
	// _x000D_ is how Excel writes a return that somebody pasted.
	cell = strings.ReplaceAll(strings.ToValidUTF8(cell, "\ufffd"), "_x000D_", " ")
	cell = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, cell)
	return strings.TrimSpace(norm.NFC.String(cell))
}

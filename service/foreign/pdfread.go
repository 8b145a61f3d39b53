package foreign

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// A file of scans may be larger than the memory of a child, and pdfcpu reads a
// file as a whole. This reader takes from a PDF no more than where the pages'
// pictures lie. It knows the plain ways of writing that, not the odd ones, and
// repairs nothing: what it cannot read, poppler draws.

// pdfReader finds objects in a PDF.
type pdfReader struct {
	r       io.ReaderAt
	size    int64
	entries map[int]pdfEntry
	trailer pdfDict
	packed  map[int][]any // objects of the streams that were read last, by the number of the stream
	depth   int           // of objects that are being read because of each other
}

// pdfEntry is where an object lies: at an offset, or as one of a stream's.
type pdfEntry struct {
	offset int64
	stream int // 0 if it lies at the offset
	index  int
}

// pdfStream is bytes with a dictionary.
type pdfStream struct {
	pdfDict
	offset, length int64
}

var errPDFOdd = errors.New("a PDF written in an odd way")

const (
	maxPDFObjects = 2 << 20  // entries of all tables
	maxPDFObject  = 16 << 20 // bytes of one object that is no stream
	maxPDFPacked  = 64 << 20 // bytes of objects in one stream, unpacked
	maxPDFContent = 32 << 20 // bytes of what is drawn on one page, unpacked
)

// openPDF reads a file's tables of objects.
func openPDF(r io.ReaderAt, size int64) (*pdfReader, error) {
	p := &pdfReader{r: r, size: size, entries: make(map[int]pdfEntry), packed: make(map[int][]any)}
	tail := make([]byte, min(64<<10, size))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	i := bytes.LastIndex(tail, []byte("startxref"))
	if i < 0 {
		return nil, errPDFOdd
	}
	l := pdfLexer{b: append(tail[i+len("startxref"):], ' ')}
	v, err := l.value()
	if err != nil {
		return nil, err
	}
	next := []any{v}
	for seen := map[int64]bool{}; len(next) > 0; {
		at, ok := asInt(next[0])
		next = next[1:]
		if !ok || at < 0 || at >= size || seen[at] || len(seen) > 1000 {
			return nil, errPDFOdd
		}
		seen[at] = true
		trailer, err := p.section(at)
		if err != nil {
			return nil, err
		}
		if p.trailer == nil {
			p.trailer = trailer
		}
		for _, more := range []pdfName{"XRefStm", "Prev"} {
			if v, ok := trailer[more]; ok {
				next = append(next, v)
			}
		}
	}
	return p, nil
}

// section reads one table, of either kind.
func (p *pdfReader) section(at int64) (pdfDict, error) {
	b := make([]byte, 32)
	n, err := p.r.ReadAt(b, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if l := (pdfLexer{b: append(b[:n], ' ')}); bytes.HasPrefix(bytes.TrimLeft(l.b, "\r\n\t "), []byte("xref")) {
		return p.table(at)
	}
	v, err := p.at(at, -1)
	if err != nil {
		return nil, err
	}
	s, ok := v.(*pdfStream)
	if !ok {
		return nil, errPDFOdd
	}
	return s.pdfDict, p.tableStream(s)
}

// table reads a table of lines.
func (p *pdfReader) table(at int64) (pdfDict, error) {
	pos := at
	words := bufio.NewScanner(io.NewSectionReader(p.r, at, p.size-at))
	words.Split(func(data []byte, eof bool) (int, []byte, error) {
		n, word, err := bufio.ScanWords(data, eof)
		pos += int64(n)
		return n, word, err
	})
	next := func() string {
		if !words.Scan() {
			return ""
		}
		return words.Text()
	}
	if next() != "xref" {
		return nil, errPDFOdd
	}
	for {
		word := next()
		if strings.HasPrefix(word, "trailer") {
			v, err := p.parse(pos-int64(len(word))-1, func(l *pdfLexer) (any, error) {
				i := bytes.Index(l.b, []byte("<<"))
				if i < 0 {
					return nil, errPDFShort
				}
				l.at = i
				return l.value()
			})
			if d, ok := v.(pdfDict); ok && err == nil {
				return d, nil
			}
			return nil, errPDFOdd
		}
		first, err1 := strconv.Atoi(word)
		count, err2 := strconv.Atoi(next())
		if err1 != nil || err2 != nil || first < 0 || count < 0 || first+count > maxPDFObjects {
			return nil, errPDFOdd
		}
		for i := range count {
			offset, err := strconv.ParseInt(next(), 10, 64)
			_, kind := next(), next()
			if err != nil || kind != "n" && kind != "f" {
				return nil, errPDFOdd
			}
			if kind == "f" {
				offset = -1
			}
			p.enter(first+i, pdfEntry{offset: offset})
		}
	}
}

// enter keeps the newest entry of an object, which is the first to be read.
func (p *pdfReader) enter(number int, e pdfEntry) {
	if _, ok := p.entries[number]; !ok {
		p.entries[number] = e
	}
}

// tableStream reads a table that is a stream. Source: ISO 32000-1, 7.5.8.
func (p *pdfReader) tableStream(s *pdfStream) error {
	b, err := p.unpack(s, maxPDFPacked)
	if err != nil {
		return err
	}
	var widths [3]int
	w, _ := s.pdfDict["W"].(pdfArray)
	if len(w) < 3 {
		return errPDFOdd
	}
	for i := range widths {
		n, ok := asInt(w[i])
		if !ok || n < 0 || n > 8 {
			return errPDFOdd
		}
		widths[i] = int(n)
	}
	index, ok := s.pdfDict["Index"].(pdfArray)
	if !ok {
		index = pdfArray{0.0, s.pdfDict["Size"]}
	}
	line := widths[0] + widths[1] + widths[2]
	for ; len(index) >= 2; index = index[2:] {
		first, ok1 := asInt(index[0])
		count, ok2 := asInt(index[1])
		if !ok1 || !ok2 || first < 0 || count < 0 || line == 0 || count*int64(line) > int64(len(b)) || first+count > maxPDFObjects {
			return errPDFOdd
		}
		for i := range int(count) {
			kind, rest := int64(1), b
			if widths[0] > 0 {
				kind, rest = bigEndian(b[:widths[0]]), b[widths[0]:]
			}
			second, third := bigEndian(rest[:widths[1]]), bigEndian(rest[widths[1]:][:widths[2]])
			b = b[line:]
			e := pdfEntry{offset: -1}
			switch kind {
			case 1:
				e.offset = second
			case 2:
				e = pdfEntry{stream: int(second), index: int(third)}
			}
			p.enter(int(first)+i, e)
		}
	}
	return nil
}

func bigEndian(b []byte) (n int64) {
	for _, c := range b {
		n = n<<8 | int64(c)
	}
	return n
}

// asInt is a whole number that a float64 holds exactly.
func asInt(v any) (int64, bool) {
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// parse lets read work on the bytes from an offset on: few first, more if they
// do not suffice.
func (p *pdfReader) parse(at int64, read func(*pdfLexer) (any, error)) (any, error) {
	if at < 0 || at >= p.size {
		return nil, errPDFOdd
	}
	for window := int64(4 << 10); ; window *= 4 {
		b := make([]byte, min(window, p.size-at))
		if _, err := p.r.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		v, err := read(&pdfLexer{b: b})
		if !errors.Is(err, errPDFShort) || window >= maxPDFObject || int64(len(b)) < window {
			return v, err
		}
	}
}

// at reads the object at an offset, whose number must be the given one unless
// that is negative.
func (p *pdfReader) at(at int64, number int) (any, error) {
	return p.parse(at, func(l *pdfLexer) (any, error) {
		n, err := l.value()
		if err != nil {
			return nil, err
		}
		if _, err := l.value(); err != nil {
			return nil, err
		}
		word, err := l.value()
		if err != nil {
			return nil, err
		}
		if got, ok := asInt(n); !ok || word != pdfWord("obj") || number >= 0 && got != int64(number) {
			return nil, errPDFOdd
		}
		v, err := l.value()
		if err != nil {
			return nil, err
		}
		d, ok := v.(pdfDict)
		if !ok {
			return p.plain(l, v), nil
		}
		word, err = l.value()
		if err != nil || word != pdfWord("stream") {
			return v, err
		}
		return p.stream(l, d, at)
	})
}

// plain is a value that stands alone: a reference, or a word with a meaning.
func (p *pdfReader) plain(l *pdfLexer, v any) any {
	switch v := v.(type) {
	case float64:
		if _, err := l.value(); err == nil {
			if word, err := l.value(); err == nil && word == pdfWord("R") {
				return pdfRef(v)
			}
		}
	case pdfWord:
		return map[pdfWord]any{"true": true, "false": false}[v]
	}
	return v
}

// stream finds the bytes of a stream, whose end must stand where its length says.
func (p *pdfReader) stream(l *pdfLexer, d pdfDict, base int64) (any, error) {
	if l.at+2 >= len(l.b) {
		return nil, errPDFShort
	}
	if l.b[l.at] == '\r' {
		l.at++
	}
	if l.b[l.at] == '\n' {
		l.at++
	}
	length, ok := asInt(p.resolve(d["Length"]))
	s := &pdfStream{pdfDict: d, offset: base + int64(l.at), length: length}
	if !ok || length < 0 || length > p.size-s.offset {
		return nil, errPDFOdd
	}
	end := make([]byte, 16)
	n, err := p.r.ReadAt(end, s.offset+length)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimLeft(end[:n], "\r\n\t "), []byte("endstream")) {
		return nil, errPDFOdd
	}
	return s, nil
}

// object reads an object by its number; one that is not there is nil, which is
// what the format says it means.
func (p *pdfReader) object(number int) (any, error) {
	e, ok := p.entries[number]
	if !ok || e.stream == 0 && e.offset < 0 {
		return nil, nil
	}
	if p.depth > maxPDFDepth {
		return nil, errPDFOdd
	}
	p.depth++
	defer func() { p.depth-- }()
	if e.stream == 0 {
		return p.at(e.offset, number)
	}
	objects, err := p.objectsOf(e.stream)
	if err != nil || e.index >= len(objects) || e.index < 0 {
		return nil, errors.Join(err, errPDFOdd)
	}
	return objects[e.index], nil
}

// objectsOf reads the objects of a stream. Source: ISO 32000-1, 7.5.7.
func (p *pdfReader) objectsOf(number int) ([]any, error) {
	if o, ok := p.packed[number]; ok {
		return o, nil
	}
	if e, ok := p.entries[number]; !ok || e.stream != 0 {
		return nil, errPDFOdd
	}
	v, err := p.object(number)
	if err != nil {
		return nil, err
	}
	s, ok := v.(*pdfStream)
	if !ok {
		return nil, errPDFOdd
	}
	b, err := p.unpack(s, maxPDFPacked)
	if err != nil {
		return nil, err
	}
	count, ok1 := asInt(p.resolve(s.pdfDict["N"]))
	first, ok2 := asInt(p.resolve(s.pdfDict["First"]))
	if !ok1 || !ok2 || count < 0 || count > int64(len(b)) || first < 0 || first > int64(len(b)) {
		return nil, errPDFOdd
	}
	heads := pdfLexer{b: append(bytes.Clone(b[:first]), ' ')}
	b = append(b, ' ') // the last value ends here
	objects := make([]any, 0, count)
	for range count {
		if _, err := heads.value(); err != nil {
			return nil, err
		}
		v, err := heads.value()
		at, ok := asInt(v)
		if err != nil || !ok || at < 0 || first+at > int64(len(b)) {
			return nil, errPDFOdd
		}
		l := pdfLexer{b: b[first+at:]}
		v, err = l.value()
		if err != nil {
			return nil, err
		}
		objects = append(objects, p.plain(&l, v))
	}
	if len(p.packed) >= 16 { // pages lie together, and so do their objects
		clear(p.packed)
	}
	p.packed[number] = objects
	return objects, nil
}

// resolve follows references. What cannot be read is nil.
func (p *pdfReader) resolve(v any) any {
	for range 16 {
		ref, ok := v.(pdfRef)
		if !ok {
			return v
		}
		o, err := p.object(int(ref))
		if err != nil {
			return nil
		}
		v = o
	}
	return nil
}

func (p *pdfReader) dict(v any) pdfDict {
	switch v := p.resolve(v).(type) {
	case pdfDict:
		return v
	case *pdfStream:
		return v.pdfDict
	}
	return nil
}

func (p *pdfReader) name(v any) pdfName {
	n, _ := p.resolve(v).(pdfName)
	return n
}

// array is a list with each of its references followed; one value stands for a
// list of one.
func (p *pdfReader) array(v any) pdfArray {
	v = p.resolve(v)
	a, ok := v.(pdfArray)
	if !ok {
		if v == nil {
			return nil
		}
		return pdfArray{v}
	}
	out := make(pdfArray, len(a))
	for i := range a {
		out[i] = p.resolve(a[i])
	}
	return out
}

// numbers reads a list of n numbers.
func (p *pdfReader) numbers(v any, n int) ([]float64, bool) {
	a := p.array(v)
	if len(a) != n {
		return nil, false
	}
	out := make([]float64, n)
	for i := range a {
		f, ok := a[i].(float64)
		if !ok {
			return nil, false
		}
		out[i] = f
	}
	return out, true
}

// raw is the bytes of a stream as they lie in the file.
func (p *pdfReader) raw(s *pdfStream) io.Reader { return io.NewSectionReader(p.r, s.offset, s.length) }

// filters are the names of how a stream is packed, the outermost first, with
// their parameters.
func (p *pdfReader) filters(s *pdfStream) (names []pdfName, parameters []pdfDict) {
	given := p.array(s.pdfDict["DecodeParms"])
	for i, f := range p.array(s.pdfDict["Filter"]) {
		name, _ := f.(pdfName)
		var d pdfDict
		if i < len(given) {
			d, _ = given[i].(pdfDict)
		}
		names, parameters = append(names, name), append(parameters, d)
	}
	return names, parameters
}

// unpack reads a stream that is packed by Flate or not at all, and is no longer
// than most.
func (p *pdfReader) unpack(s *pdfStream, most int64) ([]byte, error) {
	names, parameters := p.filters(s)
	r := p.raw(s)
	if len(names) > 1 {
		return nil, errPDFOdd
	}
	if len(names) == 1 {
		if names[0] != "FlateDecode" {
			return nil, errPDFOdd
		}
		z, err := zlib.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
		r = z
	}
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil || int64(len(b)) > most {
		return nil, errors.Join(errPDFOdd, err)
	}
	if len(names) == 1 && parameters[0] != nil {
		return p.predicted(b, parameters[0])
	}
	return b, nil
}

// predicted undoes the predictors of PNG, which tables of objects have. Source:
// ISO 32000-1, 7.4.4.4.
func (p *pdfReader) predicted(b []byte, d pdfDict) ([]byte, error) {
	number := func(name pdfName, otherwise int64) int64 {
		if n, ok := asInt(p.resolve(d[name])); ok {
			return n
		}
		return otherwise
	}
	switch predictor := number("Predictor", 1); {
	case predictor == 1:
		return b, nil
	case predictor < 10:
		return nil, errPDFOdd
	}
	bits := number("Colors", 1) * number("BitsPerComponent", 8)
	if bits < 8 || bits > 256 || bits%8 != 0 || number("Columns", 1) < 1 || number("Columns", 1) > 1<<20 {
		return nil, errPDFOdd
	}
	pixel := int(bits / 8)
	return unfilterPNG(b, pixel, pixel*int(number("Columns", 1)))
}

// unfilterPNG undoes the filters of rows so many bytes long. Source: PNG, 9.
func unfilterPNG(b []byte, pixel, row int) ([]byte, error) {
	out := make([]byte, 0, len(b))
	above := make([]byte, row)
	for ; len(b) > row; b = b[row+1:] {
		line := append([]byte(nil), b[1:row+1]...)
		for i := range line {
			var left, corner byte
			if i >= pixel {
				left, corner = line[i-pixel], above[i-pixel]
			}
			switch b[0] {
			case 0:
			case 1:
				line[i] += left
			case 2:
				line[i] += above[i]
			case 3:
				line[i] += byte((uint16(left) + uint16(above[i])) / 2) //nolint:gosec // at most 255
			case 4:
				line[i] += paeth(left, above[i], corner)
			default:
				return nil, errPDFOdd
			}
		}
		out, above = append(out, line...), line
	}
	return out, nil
}

func paeth(left, above, corner byte) byte {
	p := int(left) + int(above) - int(corner)
	l, a, c := abs(p-int(left)), abs(p-int(above)), abs(p-int(corner))
	switch {
	case l <= a && l <= c:
		return left
	case a <= c:
		return above
	}
	return corner
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

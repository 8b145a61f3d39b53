package foreign_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"flowbot/service"
	own "flowbot/service/child"
	"flowbot/service/foreign"
)

// TestMain builds the child, and is one where a test starts this program again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "child":
			os.Exit(foreign.Main(os.Args[2:], os.Stdin, os.Stdout))
		case "limits":
			showLimits()
		}
	}
	os.Exit(runWithChild(m))
}

// child is the path of the program that testdata/child makes.
var child string

func runWithChild(m *testing.M) int {
	dir, err := os.MkdirTemp("", "foreign-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	child = filepath.Join(dir, "child")
	build := exec.Command("go", "build", "-o", child, "./testdata/child")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	return m.Run()
}

func newReader(t *testing.T, o foreign.Options) *foreign.Reader {
	t.Helper()
	if o.TempDir == "" {
		o.TempDir = t.TempDir()
	}
	if o.Command == nil {
		o.Command = []string{child}
	}
	r, err := foreign.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		left, err := os.ReadDir(o.TempDir)
		if err != nil || len(left) != 0 {
			t.Errorf("children left %v, %v", left, err)
		}
	})
	return r
}

// showLimits limits this process as a child and becomes a program that tells
// what is left of its limits.
func showLimits() {
	if err := foreign.Confine(testMemory, testSeconds); err != nil {
		panic(err)
	}
	panic(syscall.Exec("/bin/cat", []string{"cat", "/proc/self/limits", "/proc/self/status"}, nil))
}

const (
	testMemory  = 300 << 20
	testSeconds = 7
)

func TestProgramsThatTheChildStartsInheritItsLimits(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), os.Args[0], "limits").Output()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for line := range strings.Lines(string(out)) {
		if m := regexp.MustCompile(`^(Max [a-z ]+?|NoNewPrivs:|Seccomp:)\s+(\d+)`).FindStringSubmatch(line); m != nil {
			if got[m[1]], err = strconv.ParseInt(m[2], 10, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, want := range map[string]int64{
		"Max cpu time": testSeconds, "Max file size": 256 << 20, "Max core file size": 0, "Max open files": 128, "NoNewPrivs:": 1, "Seccomp:": 2,
	} {
		if got[name] != want {
			t.Errorf("%s is %d, want %d", name, got[name], want)
		}
	}
	// What the process already had comes on top.
	if data := got["Max data size"]; data < testMemory || got["Max address space"] <= data {
		t.Errorf("data %d, addresses %d", data, got["Max address space"])
	}
}

func TestChildGetsNoSecretsInItsEnvironment(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{Command: []string{"sh", "-c", `cat /proc/$$/environ > out; echo ready; echo '{}'`}})
	var b strings.Builder
	if _, err := r.CleanImage(t.Context(), save(t, document(1)), &b); err != nil {
		t.Fatal(err)
	}
	var got []string
	for entry := range strings.SplitSeq(strings.TrimSuffix(b.String(), "\x00"), "\x00") {
		name, _, _ := strings.Cut(entry, "=")
		got = append(got, name)
	}
	slices.Sort(got)
	want := []string{"GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "HOME", "LANG", "PATH", "TMPDIR"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// reasonOf is the reason of a refusal, "" for success. Any other error fails.
func reasonOf(t *testing.T, err error) service.Reason {
	t.Helper()
	var refusal *service.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &refusal):
		t.Fatalf("not a refusal: %v", err)
	case refusal.Kind != service.Invalid:
		t.Errorf("kind %s", refusal.Kind)
	}
	return refusal.Reason
}

func TestCheckPDFTellsWhatPeopleCanRead(t *testing.T) {
	t.Parallel()
	whole := document(3)
	tests := []struct {
		name string
		file []byte
		want service.Reason // "" if it is taken
	}{
		{"three pages", whole, ""},
		{"a scan", scan(t), ""},
		{"other bytes before it", append([]byte("\r\nX-Mail: 1\r\n\r\n"), whole...), ""},
		{"zeros after it", append(bytes.Clone(whole), make([]byte, 5000)...), ""},
		{"a script inside", documentWith(1, "/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>", "[0 0 595 842]"), ""},
		{"an attachment inside", documentWith(1, "/Names << /EmbeddedFiles << /Names [] >> >>", "[0 0 595 842]"), ""},
		{"a page as large as PDF allows", documentWith(1, "", "[0 0 14400 14400]"), ""},
		{"its page in a stream of objects", withObjectStream(stream("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode",
			deflate(t, []byte(packedPage)))), ""},
		{"a wrong length of a stream", bytes.Replace(whole, []byte("/Length 5"), []byte("/Length 1"), 1), ""},

		{"no bytes", nil, service.ReasonFileEmpty},
		{"a text", []byte("Журнал регистрации"), service.ReasonFileNotPDF},
		{"a letter", []byte("%"), service.ReasonFileNotPDF},
		{"an archive", []byte("PK\x03\x04" + strings.Repeat("word/document.xml", 100)), service.ReasonFileNotPDF},
		{"the header too late", append(bytes.Repeat([]byte("x"), 2000), whole...), service.ReasonFileNotPDF},
		{"a JPEG", encodeJPEG(t, drawing(10, 10)), service.ReasonFileIsPicture},
		{"a PNG", encodePNG(t, drawing(10, 10)), service.ReasonFileIsPicture},
		{"a HEIC", sample(t, "sample.heic"), service.ReasonFileIsPicture},
		{"a PNG with a PDF behind it", append(encodePNG(t, drawing(2, 2)), whole...), service.ReasonFileIsPicture},

		{"the first half", whole[:len(whole)/2], service.ReasonFileBroken},
		{"all but the last bytes", whole[:len(whole)-8], service.ReasonFileBroken},
		{"header alone", []byte("%PDF-1.7\n"), service.ReasonFileBroken},
		{"header and end alone", []byte("%PDF-1.7\nstartxref\n9\n%%EOF\n"), service.ReasonFileBroken},
		{"a page whose packing is damaged", page("4 0 R", "", stream("/Filter /FlateDecode", append([]byte("x\x9c"), bytes.Repeat([]byte("?"), 500)...))), service.ReasonFileBroken},
		{"a hole in the middle", append(append(bytes.Clone(whole[:200]), make([]byte, 600)...), whole[800:]...), service.ReasonFileBroken},
		{"no pages", assemble("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 0 /Kids [] >>"), service.ReasonFileBroken},
		{"a page that is not there", assemble("<< /Type /Catalog /Pages 2 0 R >>",
			"<< /Type /Pages /Count 1 /Kids [3 0 R] >>", ""), service.ReasonFileBroken},
		{"a page tree that contains itself", assemble("<< /Type /Catalog /Pages 2 0 R >>",
			"<< /Type /Pages /Count 2 /Kids [2 0 R 2 0 R] >>"), service.ReasonFileBroken},
		{"a count that is no number", assemble("<< /Type /Catalog /Pages 2 0 R >>",
			"<< /Type /Pages /Count (many) /Kids 7 >>"), service.ReasonFileBroken},

		{"a password", locked(t, "reader"), service.ReasonFileEncrypted},
		{"a password for changes only", locked(t, ""), service.ReasonFileEncrypted},

		{"31 pages", document(31), service.ReasonFileTooManyPages},
		// More pages than objects are no honest PDF, says poppler.
		{"one page 100 000 times", assemble("<< /Type /Catalog /Pages 2 0 R >>",
			"<< /Type /Pages /Count 100000 /Kids ["+strings.Repeat("3 0 R ", 100_000)+"] >>",
			"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"), service.ReasonFileBroken},
		{"a billion pages by its word", bytes.Replace(whole, []byte("/Count 3"), []byte("/Count 1000000000"), 1), service.ReasonFileBroken},
		{"more bytes than may be", append(bytes.Clone(whole), make([]byte, 1<<20)...), service.ReasonFileTooBig},
	}
	r := newReader(t, foreign.Options{Pages: 30, PDFBytes: 1 << 20})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := r.CheckPDF(t.Context(), save(t, tt.file))
			if reason := reasonOf(t, err); reason != tt.want {
				t.Fatalf("reason %q, want %q: %v", reason, tt.want, err)
			}
			if tt.want == "" && (got.Kind != service.ForeignPDF || got.Type != "application/pdf" || got.Pages < 1) {
				t.Errorf("it is %+v", got)
			}
		})
	}
}

// packedPage is a stream of objects that holds the page of withObjectStream.
const packedPage = "4 0 << /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"

func TestCheckPDFCountsPages(t *testing.T) {
	t.Parallel()
	got, err := newReader(t, foreign.Options{}).CheckPDF(t.Context(), save(t, document(12)))
	want := service.ForeignFile{Kind: service.ForeignPDF, Type: "application/pdf", Pages: 12}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestAProgramIsItsOwnChild(t *testing.T) {
	t.Parallel()
	r, err := foreign.New(foreign.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.CheckPDF(t.Context(), save(t, document(2)))
	want := service.ForeignFile{Kind: service.ForeignPDF, Type: "application/pdf", Pages: 2}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestRefusalsNameTheBound(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{Pages: 30, PDFBytes: 4 << 20, PictureBytes: 1000, Pixels: 99})
	big := encodePNG(t, drawing(100, 100))
	tests := []struct {
		name string
		ask  func() error
		want service.FileBound
	}{
		{"pages", func() error { _, err := r.CheckPDF(t.Context(), save(t, document(31))); return err }, service.FileBound{Limit: 30, Got: 31}},
		{"pixels", func() error {
			_, err := r.CleanImage(t.Context(), save(t, encodePNG(t, drawing(10, 10))), io.Discard)
			return err
		}, service.FileBound{Limit: 99, Got: 100}},
		{"bytes", func() error {
			_, err := r.CleanImage(t.Context(), save(t, append(big, make([]byte, 1000)...)), io.Discard)
			return err
		}, service.FileBound{Limit: 1000, Got: int64(len(big)) + 1000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var refusal *service.Error
			if err := tt.ask(); !errors.As(err, &refusal) {
				t.Fatalf("no refusal: %v", err)
			}
			if diff := cmp.Diff(any(tt.want), refusal.Data); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBombsEndWithTheChild(t *testing.T) {
	t.Parallel()
	flate2 := "/Filter [/FlateDecode /FlateDecode]"
	tests := []struct {
		name string
		file []byte
		ask  func(ctx context.Context, r *foreign.Reader, path string) error
		want []service.Reason // any of them
	}{
		{
			"4 GiB of zeros as a page", page("4 0 R", "", stream(flate2, packedTwice(t, "", 4096))), checkPDF,
			[]service.Reason{service.ReasonFileTooHeavy},
		},
		{
			"4 GiB of zeros behind an object", withObjectStream(stream("/Type /ObjStm /N 1 /First 4 "+flate2, packedTwice(t, packedPage, 4096))), checkPDF,
			[]service.Reason{service.ReasonFileTooHeavy},
		},
		{"forms within forms", laughs(9), checkPDF, []service.Reason{service.ReasonFileTooHeavy}},
		{
			"a page of a million miles", documentWith(1, "", "[0 0 1000000000 1000000000]"), checkPDF,
			[]service.Reason{"", service.ReasonFileBroken, service.ReasonFileTooHeavy},
		},
		{
			"brackets within brackets", page("4 0 R", "", stream("", bytes.Repeat([]byte("["), 1<<20))), checkPDF,
			[]service.Reason{"", service.ReasonFileBroken, service.ReasonFileTooHeavy},
		},
		{
			"a page tree without end", assemble("<< /Type /Catalog /Pages 2 0 R >>",
				"<< /Type /Pages /Count 3 /Kids [3 0 R] >>", "<< /Type /Pages /Count 3 /Parent 2 0 R /Kids [2 0 R 3 0 R] >>"), checkPDF,
			[]service.Reason{service.ReasonFileBroken},
		},
		{"a PNG of 2.5 gigapixels", pngBomb(t, 50_000, 1), cleanImage, []service.Reason{service.ReasonFileTooManyPixels}},
		{"a PNG of 400 MB", pngBomb(t, 7_000, 375), cleanImage, []service.Reason{service.ReasonFileTooHeavy}},
	}
	r := newReader(t, foreign.Options{Memory: 192 << 20, CPU: time.Second})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := reasonOf(t, tt.ask(t.Context(), r, save(t, tt.file)))
			if !slices.Contains(tt.want, got) {
				t.Errorf("%d bytes gave %q, want one of %q", len(tt.file), got, tt.want)
			}
		})
	}
}

func checkPDF(ctx context.Context, r *foreign.Reader, path string) error {
	_, err := r.CheckPDF(ctx, path)
	return err
}

func cleanImage(ctx context.Context, r *foreign.Reader, path string) error {
	_, err := r.CleanImage(ctx, path, io.Discard)
	return err
}

func TestCleanImageReadsEveryKind(t *testing.T) {
	t.Parallel()
	d := drawing(60, 40)
	tests := []struct {
		name   string
		file   []byte
		kind   string
		format string // as it is written
	}{
		{"JPEG", encodeJPEG(t, d), "image/jpeg", "jpeg"},
		{"PNG", encodePNG(t, d), "image/png", "png"},
		{"GIF that moves", encodeGIF(t, d), "image/gif", "jpeg"},
		{"BMP", encodeBMP(t, d), "image/bmp", "jpeg"},
		{"TIFF", encodeTIFF(t, d), "image/tiff", "jpeg"},
		{"JPEG with a film behind it", append(encodeJPEG(t, d), make([]byte, 4096)...), "image/jpeg", "jpeg"},
	}
	r := newReader(t, foreign.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			got, err := r.CleanImage(t.Context(), save(t, tt.file), &out)
			if err != nil {
				t.Fatal(err)
			}
			want := service.ForeignFile{Kind: service.ForeignImage, Type: tt.kind, Width: 60, Height: 40}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			assertCorners(t, out.Bytes(), tt.format, 60, 40, "rgbw")
		})
	}
}

func TestCleanImageReadsWhatPhonesSend(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{})
	tests := map[string]struct {
		kind          string
		width, height int
		corners       string // "" if it has none
	}{
		"sample.heic": {"image/heic", 600, 400, "rgbw"},
		"sample.webp": {"image/webp", 150, 100, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			got, err := r.CleanImage(t.Context(), save(t, sample(t, name)), &out)
			if err != nil {
				t.Fatal(err)
			}
			want := service.ForeignFile{Kind: service.ForeignImage, Type: tt.kind, Width: tt.width, Height: tt.height}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if tt.corners != "" {
				assertCorners(t, out.Bytes(), "jpeg", tt.width, tt.height, tt.corners)
			}
		})
	}
}

// assertCorners looks at a picture's corners from the top left, line by line.
func assertCorners(t *testing.T, b []byte, format string, w, h int, want string) {
	t.Helper()
	img, got, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if size := img.Bounds().Size(); got != format || size != image.Pt(w, h) {
		t.Fatalf("%s of %v, want %s of %dx%d", got, size, format, w, h)
	}
	var corners strings.Builder
	for _, p := range []image.Point{{3, 3}, {w - 4, 3}, {3, h - 4}, {w - 4, h - 4}} {
		corners.WriteByte(colourName(img.At(p.X, p.Y)))
	}
	if corners.String() != want {
		t.Errorf("corners are %s, want %s", &corners, want)
	}
}

func colourName(c color.Color) byte {
	const high, low = 0xc000, 0x4000
	switch r, g, b, _ := c.RGBA(); {
	case r > high && g > high && b > high:
		return 'w'
	case r > high && g < low && b < low:
		return 'r'
	case r < low && g > high && b < low:
		return 'g'
	case r < low && g < low && b > high:
		return 'b'
	default:
		return '?'
	}
}

func TestCleanImageTurnsThePictureAndForgetsTheRest(t *testing.T) {
	t.Parallel()
	// Corners of what people should see, from the top left, line by line.
	seen := []string{"rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"}
	r := newReader(t, foreign.Options{})
	d := drawing(60, 40)
	for i, corners := range seen {
		orientation := i + 1
		w, h := 60, 40
		if orientation >= 5 {
			w, h = h, w
		}
		for format, file := range map[string][]byte{
			"jpeg": jpegWithExif(t, encodeJPEG(t, d), orientation),
			"png":  pngWith(t, pngWith(t, encodePNG(t, d), "eXIf", exif(orientation)), "tEXt", []byte("Comment\x00"+secret)),
		} {
			t.Run(format+" "+strconv.Itoa(orientation), func(t *testing.T) {
				t.Parallel()
				var out bytes.Buffer
				got, err := r.CleanImage(t.Context(), save(t, file), &out)
				if err != nil {
					t.Fatal(err)
				}
				if got.Width != w || got.Height != h {
					t.Errorf("%dx%d, want %dx%d", got.Width, got.Height, w, h)
				}
				assertCorners(t, out.Bytes(), format, w, h, corners)
				if !bytes.Contains(file, []byte(secret)) || bytes.Contains(out.Bytes(), []byte(secret)) {
					t.Error("the place where it was taken got out")
				}
			})
		}
	}
}

func TestCleanImageRefusesWhatIsNoPicture(t *testing.T) {
	t.Parallel()
	good := encodePNG(t, drawing(300, 300))
	photo := encodeJPEG(t, drawing(300, 300))
	tests := []struct {
		name string
		file []byte
		want service.Reason
	}{
		{"no bytes", nil, service.ReasonFileEmpty},
		{"a PDF", document(1), service.ReasonFileNotPicture},
		{"a text", []byte("скриншот"), service.ReasonFileNotPicture},
		{"a drawing in XML", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), service.ReasonFileNotPicture},
		{"a film", []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), service.ReasonFileNotPicture},
		{"two letters of a BMP", []byte("BM"), service.ReasonFileNotPicture},
		{"half a PNG", good[:len(good)/2], service.ReasonFileBroken},
		{"half a JPEG", photo[:len(photo)/2], service.ReasonFileBroken},
		{"the beginning of a JPEG", photo[:4], service.ReasonFileBroken},
		{"the beginning of a HEIC", sample(t, "sample.heic")[:200], service.ReasonFileBroken},
		{"half a HEIC", sample(t, "sample.heic")[:800], service.ReasonFileBroken},
		{"half a WebP", sample(t, "sample.webp")[:1000], service.ReasonFileBroken},
		{"half a GIF", encodeGIF(t, drawing(90, 90))[:60], service.ReasonFileBroken},
		{"a TIFF that points outside", []byte("II*\x00\xff\xff\xff\x7f"), service.ReasonFileBroken},
		{"a PNG with a wrong sum", bytes.Replace(good, []byte("IDAT"), []byte("IDAX"), 1), service.ReasonFileBroken},
		{"a strip longer than JPEG allows", encodeBMP(t, image.NewRGBA(image.Rect(0, 0, 70_000, 1))), service.ReasonFileTooHeavy},
		{"more pixels than may be", encodePNG(t, image.NewGray(image.Rect(0, 0, 1001, 1000))), service.ReasonFileTooManyPixels},
		{"more bytes than may be", append(bytes.Clone(good), make([]byte, 1<<20)...), service.ReasonFileTooBig},
	}
	r := newReader(t, foreign.Options{Pixels: 1_000_000, PictureBytes: 1 << 20})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			_, err := r.CleanImage(t.Context(), save(t, tt.file), &out)
			if reason := reasonOf(t, err); reason != tt.want {
				t.Errorf("reason %q, want %q: %v", reason, tt.want, err)
			}
			if out.Len() != 0 {
				t.Errorf("%d bytes were written all the same", out.Len())
			}
		})
	}
}

func TestCleanImageLaysWhatIsTransparentOnWhite(t *testing.T) {
	t.Parallel()
	img := drawing(60, 40)
	for y := 20; y < 40; y++ {
		for x := range 30 {
			img.SetRGBA(x, y, color.RGBA{}) // the blue corner
		}
	}
	var out bytes.Buffer
	if _, err := newReader(t, foreign.Options{}).CleanImage(t.Context(), save(t, encodeTIFF(t, img)), &out); err != nil {
		t.Fatal(err)
	}
	assertCorners(t, out.Bytes(), "jpeg", 60, 40, "rgww")
}

func TestContactSheetShowsPagesAndPictures(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{})
	journal, picture := save(t, document(9)), save(t, encodePNG(t, drawing(800, 450)))
	tests := []struct {
		name  string
		items []service.ContactItem
		min   int // of the longer side, in pixels
	}{
		{"a journal alone", []service.ContactItem{{Path: journal, Caption: "Журнал"}}, 1500},
		{"a page and a picture", []service.ContactItem{{Path: journal, Caption: "Журнал", Pages: 1}, {Path: picture, Caption: "Скриншот 1"}}, 1500},
		{"a small picture", []service.ContactItem{{Path: save(t, encodeJPEG(t, drawing(30, 20))), Caption: strings.Repeat("Скриншот ", 50)}}, 60},
		{"a journal and twenty pictures", append([]service.ContactItem{{Path: journal, Caption: "Журнал", Pages: 99}},
			repeat(service.ContactItem{Path: picture, Caption: "Скриншот"}, 20)...), 1500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := r.ContactSheet(t.Context(), tt.items, &out); err != nil {
				t.Fatal(err)
			}
			img, format, err := image.Decode(&out)
			if err != nil || format != "jpeg" {
				t.Fatalf("%s, %v", format, err)
			}
			if size := img.Bounds().Size(); max(size.X, size.Y) > 2000 || max(size.X, size.Y) < tt.min {
				t.Errorf("the sheet is %v", size)
			}
		})
	}
}

func repeat[T any](v T, n int) []T {
	var out []T
	for range n {
		out = append(out, v)
	}
	return out
}

func TestContactSheetNamesTheFileThatCannotBeShown(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{})
	good := save(t, encodePNG(t, drawing(40, 30)))
	for name, tt := range map[string]struct {
		file []byte
		want service.Reason
	}{
		"no picture": {[]byte("скриншот"), service.ReasonFileNotPicture},
		"half a PDF": {document(2)[:300], service.ReasonFileBroken},
		"a password": {locked(t, "reader"), service.ReasonFileEncrypted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := r.ContactSheet(t.Context(), []service.ContactItem{{Path: good}, {Path: save(t, tt.file)}}, io.Discard)
			if got := reasonOf(t, err); got != tt.want {
				t.Errorf("reason %q, want %q", got, tt.want)
			}
			var refusal *service.Error
			if errors.As(err, &refusal) {
				if fault, ok := refusal.Data.(service.ContactFault); !ok || fault.Item != 1 {
					t.Errorf("the fault is %+v", refusal.Data)
				}
			}
		})
	}
}

func TestWhatIsNotTheFilesFaultIsNoRefusal(t *testing.T) {
	t.Parallel()
	good := save(t, document(1))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name    string
		ctx     context.Context
		options foreign.Options
		path    string
	}{
		{"no such file", t.Context(), foreign.Options{}, filepath.Join(t.TempDir(), "none")},
		{"a directory", t.Context(), foreign.Options{}, t.TempDir()},
		{"no such child", t.Context(), foreign.Options{Command: []string{"/none"}}, good},
		{"a child that says nothing", t.Context(), foreign.Options{Command: []string{"true"}}, good},
		{"a child that fails", t.Context(), foreign.Options{Command: []string{"false"}}, good},
		{"a child that says nonsense", t.Context(), foreign.Options{Command: []string{"echo", "ready\n{"}}, good},
		{"a child that is not one", t.Context(), foreign.Options{Command: []string{"echo", "{}"}}, good},
		{"asked in vain", cancelled, foreign.Options{}, good},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := newReader(t, tt.options).CheckPDF(tt.ctx, tt.path)
			if refusal := (*service.Error)(nil); err == nil || errors.As(err, &refusal) {
				t.Errorf("it came to %v", err)
			}
		})
	}
}

func TestAChildThatTakesTooLongIsRefused(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{Wall: 50 * time.Millisecond, Command: []string{"sleep", "1000"}})
	if got := reasonOf(t, checkPDF(t.Context(), r, save(t, document(1)))); got != service.ReasonFileTooHeavy {
		t.Errorf("reason %q", got)
	}
}

// TestAChildSeesNoOtherFiles has a child that somebody has taken over.
func TestAChildSeesNoOtherFiles(t *testing.T) {
	t.Parallel()
	other, fresh := save(t, []byte("another's")), filepath.Join(t.TempDir(), "new")
	r := newReader(t, foreign.Options{Command: []string{
		"sh", "-c", `{ cat "$0" || echo unread; echo x >> "$0" || echo unchanged; echo x > "$1" || echo unmade; } > out; echo ready; echo '{}'`, other, fresh,
	}})
	var got strings.Builder
	if _, err := r.CleanImage(t.Context(), save(t, document(1)), &got); err != nil {
		t.Fatal(err)
	}
	want := "unread\nunchanged\nunmade\n"
	if !own.HasRooms() {
		want = "another's"
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

// waits is a script that makes a named pipe and waits until it is written to.
const waits = "mkfifo pipe; read go < pipe; "

// theirPipe waits for the pipe that a child makes: who opens one end waits for the
// other.
func theirPipe(t *testing.T, temp string) string {
	t.Helper()
	for t.Context().Err() == nil {
		found, err := filepath.Glob(filepath.Join(temp, "flowbot-child-*", "pipe"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			return found[0]
		}
		runtime.Gosched()
	}
	t.Fatal("no pipe is made")
	return ""
}

func TestAChildIsKilledWithAllItStarted(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	// A child that has started another and waits for it for ever.
	r := newReader(t, foreign.Options{TempDir: temp, Command: []string{"sh", "-c", `mkfifo pipe; sleep 1000 & echo $! > pipe; wait`}})
	ctx, cancel := context.WithCancel(t.Context())
	path, done := save(t, document(1)), make(chan error)
	go func() { done <- checkPDF(ctx, r, path) }()
	b, err := os.ReadFile(theirPipe(t, temp))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(handle)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("it came to %v", err)
	}
	// The handle becomes readable when the process ends.
	const patience = 300_000 // ms
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}, patience); n != 1 || err != nil {
		t.Errorf("what the child started still runs: %v", err)
	}
}

func TestNoMoreChildrenThanAllowedRunAtOnce(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	// A child answers at once, but for what is called first.
	r := newReader(t, foreign.Options{
		TempDir: temp, Children: 1,
		Command: []string{"sh", "-c", "read question; case $question in */first*) " + waits + `;; esac; echo ready; echo '{}'`},
	})
	path, other, done := filepath.Join(t.TempDir(), "first"), save(t, document(1)), make(chan error)
	if err := os.WriteFile(path, document(1), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { done <- checkPDF(t.Context(), r, path) }()
	open, err := os.OpenFile(theirPipe(t, temp), os.O_WRONLY, 0) // waits until the first child reads
	if err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := checkPDF(impatient, r, other); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("beside the first, the second came to %v", err)
	}
	if _, err := open.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-done, open.Close()); err != nil {
		t.Error(err)
	}
	if err := checkPDF(t.Context(), r, other); err != nil {
		t.Errorf("after the first, the second came to %v", err)
	}
}

func TestDirectoriesOfDeadProgramsAreSwept(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	left, other := filepath.Join(temp, "flowbot-child-1"), filepath.Join(temp, "other")
	for _, dir := range []string{left, other} {
		if err := os.MkdirAll(filepath.Join(dir, "page"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	options := foreign.Options{TempDir: temp, Command: []string{"sh", "-c", waits + `echo ready; echo '{}'`}}
	r, err := foreign.New(options)
	if err != nil {
		t.Fatal(err)
	}
	names := func() []string {
		entries, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return out
	}
	if diff := cmp.Diff([]string{"other"}, names()); diff != "" {
		t.Errorf("after the first start:\n%s", diff)
	}
	path, done := save(t, document(1)), make(chan error)
	go func() { done <- checkPDF(t.Context(), r, path) }()
	open, err := os.OpenFile(theirPipe(t, temp), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := foreign.New(options); err != nil {
		t.Fatal(err)
	}
	if got := names(); len(got) != 2 {
		t.Errorf("another start left %v of a child that runs", got)
	}
	if _, err := open.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-done, open.Close()); err != nil {
		t.Error(err)
	}
}

func BenchmarkChild(b *testing.B) {
	r, err := foreign.New(foreign.Options{Command: []string{child}})
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	put := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	one, thirty, text := put("1", document(1)), put("30", document(30)), put("t", []byte("text"))
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			if err := checkPDF(b.Context(), r, text); err == nil {
				b.Fatal("a text was taken")
			}
		}
	})
	for name, path := range map[string]string{"pdf of 1 page": one, "pdf of 30 pages": thirty} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := checkPDF(b.Context(), r, path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestAStreamThatIsTooLongIsRefusedWithinTheLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		file []byte
		want service.Reason
	}{
		{"257 MiB packed once", page("4 0 R", "", stream("/Filter /FlateDecode", deflatedZeros(t, "", 257))), service.ReasonFileTooHeavy},
		{"4 GiB packed twice", page("4 0 R", "", stream("/Filter [/FlateDecode /FlateDecode]", packedTwice(t, "", 4096))), service.ReasonFileTooHeavy},
		{"1 MiB packed once", page("4 0 R", "", stream("/Filter /FlateDecode", deflatedZeros(t, "", 1))), ""},
	}
	r := newReader(t, foreign.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := reasonOf(t, checkPDF(t.Context(), r, save(t, tt.file))); got != tt.want {
				t.Errorf("%d bytes gave %q, want %q", len(tt.file), got, tt.want)
			}
		})
	}
}

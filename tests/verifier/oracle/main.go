// The oracle reads cases from standard input and says of each, on a line, whether Go's own implementation of notes and
// transparency logs (golang.org/x/mod/sumdb) accepts it. It shares no code with the Python that it is held against.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A testCase is one thing to judge; which fields count depends on its kind.
type testCase struct {
	Kind string `json:"kind"`
	// head: a signed note, and the keys that may have signed it.
	Note   []byte   `json:"note"`
	Origin string   `json:"origin"`
	Keys   []string `json:"keys"`
	// inclusion, consistency: hashes and sizes.
	Leaf    []byte   `json:"leaf"`
	Index   int64    `json:"index"`
	Size    int64    `json:"size"`
	Root    []byte   `json:"root"`
	OldSize int64    `json:"old_size"`
	OldRoot []byte   `json:"old_root"`
	Proof   [][]byte `json:"proof"`
	// tiles: a folder of tiles below which each event's line has to be found under the head.
	Folder string   `json:"folder"`
	Lines  [][]byte `json:"lines"`
}

func hash(raw []byte) (found tlog.Hash, err error) {
	if len(raw) != tlog.HashSize {
		return found, fmt.Errorf("a hash of %d bytes", len(raw))
	}
	copy(found[:], raw)
	return found, nil
}

func hashes(raw [][]byte) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, 0, len(raw))
	for _, each := range raw {
		next, err := hash(each)
		if err != nil {
			return nil, err
		}
		found = append(found, next)
	}
	return found, nil
}

// tree opens a checkpoint: the text of tlog's own tree notes begins with another line, so ours is put there.
func tree(text string, origin string) (tlog.Tree, error) {
	if len(text) <= len(origin) || text[:len(origin)+1] != origin+"\n" {
		return tlog.Tree{}, fmt.Errorf("a head of another log")
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + text[len(origin)+1:]))
}

func head(each testCase) (tlog.Tree, error) {
	verifiers := make([]note.Verifier, 0, len(each.Keys))
	for _, key := range each.Keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return tlog.Tree{}, err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(each.Note, note.VerifierList(verifiers...))
	if err != nil {
		return tlog.Tree{}, err
	}
	return tree(opened.Text, each.Origin)
}

func inclusion(each testCase) error {
	proof, err := hashes(each.Proof)
	if err != nil {
		return err
	}
	root, err := hash(each.Root)
	if err != nil {
		return err
	}
	leaf, err := hash(each.Leaf)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, each.Size, root, each.Index, leaf)
}

func consistency(each testCase) error {
	proof, err := hashes(each.Proof)
	if err != nil {
		return err
	}
	root, err := hash(each.Root)
	if err != nil {
		return err
	}
	old, err := hash(each.OldRoot)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, each.Size, root, each.OldSize, old)
}

// A folder reads tiles where the bundle has them: without the height that Go writes into a path.
type folder string

func (f folder) Height() int { return 8 }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, 0, len(tiles))
	for _, tile := range tiles {
		content, err := os.ReadFile(filepath.Join(string(f), "tile", tile.Path()[len("tile/8/"):]))
		if err != nil {
			return nil, err
		}
		found = append(found, content)
	}
	return found, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func tiles(each testCase) error {
	signed, err := head(each)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(signed, folder(each.Folder))
	if int64(len(each.Lines)) != signed.N {
		return fmt.Errorf("%d lines under a head of %d", len(each.Lines), signed.N)
	}
	for index, line := range each.Lines {
		stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(index))})
		if err != nil {
			return err
		}
		if stored[0] != tlog.RecordHash(line) {
			return fmt.Errorf("line %d is not the one that was hashed", index)
		}
	}
	return nil
}

func judge(each testCase) (err error) {
	defer func() {
		if found := recover(); found != nil {
			err = fmt.Errorf("panic: %v", found)
		}
	}()
	switch each.Kind {
	case "head":
		_, err = head(each)
	case "inclusion":
		err = inclusion(each)
	case "consistency":
		err = consistency(each)
	case "tiles":
		err = tiles(each)
	default:
		err = fmt.Errorf("no kind %q", each.Kind)
	}
	return err
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	decoder := json.NewDecoder(input)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for decoder.More() {
		var each testCase
		if err := decoder.Decode(&each); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if err := judge(each); err != nil {
			fmt.Fprintf(output, "refused: %q\n", err.Error())
		} else {
			fmt.Fprintln(output, "accepted")
		}
	}
}

// Stands for a compiler: one process that only computes. It is statically linked, so that it runs in an empty image.
package main

import (
	"compress/gzip"
	"log"
	"os"
)

const mebibytes = 96

func main() {
	if err := os.MkdirAll("/out", 0o755); err != nil {
		log.Fatal(err)
	}
	file, err := os.Create("/out/bundle.gz")
	if err != nil {
		log.Fatal(err)
	}
	writer, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		log.Fatal(err)
	}
	state := uint64(88172645463325252)
	block := make([]byte, 1<<20)
	for range mebibytes {
		for i := range block {
			state ^= state << 13
			state ^= state >> 7
			state ^= state << 17
			block[i] = byte(state & 15)
		}
		if _, err := writer.Write(block); err != nil {
			log.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}

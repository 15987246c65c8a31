// Goroutines that hand maps to one another.
package main

import (
	"fmt"
	"sync"
)

func main() {
	var wait sync.WaitGroup
	results := make(chan int, 97)
	for worker := 0; worker < 97; worker++ {
		wait.Add(1)
		go func(worker int) {
			defer wait.Done()
			table := make(map[string]int)
			for i := 0; i < 503; i++ {
				table[fmt.Sprint(worker, i%101)] += i
			}
			results <- len(table)
		}(worker)
	}
	wait.Wait()
	close(results)
	sum := 0
	for one := range results {
		sum += one
	}
	fmt.Println(sum)
}

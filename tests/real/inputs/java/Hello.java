// Lists, strings and two threads.
import java.util.ArrayList;
import java.util.List;

public class Hello {
    public static void main(String[] args) throws InterruptedException {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < 20011; i++)
            words.add("word " + i);
        Thread[] threads = new Thread[2];
        long[] sums = new long[2];
        for (int t = 0; t < 2; t++) {
            int mine = t;
            threads[t] = new Thread(() -> {
                for (String word : words)
                    sums[mine] += word.length() + mine;
            });
            threads[t].start();
        }
        for (Thread thread : threads)
            thread.join();
        System.out.println("Hello " + sums[0] + " " + sums[1]);
    }
}

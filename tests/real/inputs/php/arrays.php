<?php
// Arrays and strings.
$words = [];
for ($i = 0; $i < 20011; $i++) {
    $words["w" . $i % 4001][] = $i;
}
ksort($words);
echo count($words), " ", strlen(json_encode($words)), "\n";

"""python_pool.py COUNT: concurrent.futures.ProcessPoolExecutor.map with chunksize 1 and two workers, which return items of three
properties. Items a second, from the first result on."""
import concurrent.futures
import datetime
import sys
import time


def same(item):
    return item


if __name__ == "__main__":
    count = int(sys.argv[1])
    epoch = datetime.datetime(1970, 1, 1)
    items = [{"Id": i, "Name": f"item {i}", "Time": epoch + datetime.timedelta(seconds=i)} for i in range(count)]
    with concurrent.futures.ProcessPoolExecutor(max_workers=2) as pool:
        results = pool.map(same, items, chunksize=1)
        next(results)
        start = time.monotonic()
        got = sum(1 for _ in results)
        print(got / (time.monotonic() - start))

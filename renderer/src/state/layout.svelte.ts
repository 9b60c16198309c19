// What of the window's frame is open.
let isJobsOpen = $state(false);

export const layout = {
  get isJobsOpen(): boolean {
    return isJobsOpen;
  },
  showJobs(show: boolean): void {
    isJobsOpen = show;
  },
};
